import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { makeSecretFile, readSecretFile } from "../store/secret-file.ts";

/** The owner's token, and the secret that keys of pushes are made of. */

const tokenPath = (stateDir: string): string => join(stateDir, "web-token");

/** Read afresh for each request, so that a new one counts at once. Undefined while there is none. */
export const readToken = (stateDir: string): string | undefined =>
  readSecretFile(tokenPath(stateDir));

/** The token there is, or one that is made now; with `renew` always a new one. */
export const makeToken = (stateDir: string, { renew }: { renew: boolean }): string =>
  makeSecretFile(tokenPath(stateDir), { renew });

/** The key of a push that has none of its own in the configuration. */
export function derivedPushKey(stateDir: string, name: string): string {
  const secret = makeSecretFile(join(stateDir, "push-secret"), { renew: false });
  return createHmac("sha256", secret).update(`push/${name}`).digest("base64url");
}

/** Compares in a time that tells nothing of the secret, nor of its length. */
export function isSame(given: string, secret: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}
