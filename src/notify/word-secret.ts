import { join } from "node:path";
import { describeError } from "../domain/errors.ts";
import { makeSecretFile } from "../store/secret-file.ts";

/** In the state directory: what one-time tokens and the signatures of our own mail are made with. */
export const wordSecretFile = "word-secret";

/** A watch without it is better than none. */
export function wordSecretOf(stateDir: string): {
  readonly secret: string | null;
  readonly problem: string | null;
} {
  try {
    const secret = makeSecretFile(join(stateDir, wordSecretFile), { renew: false });
    return { secret, problem: null };
  } catch (error) {
    return { secret: null, problem: describeError(error) };
  }
}
