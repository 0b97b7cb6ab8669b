import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AdapterError, z } from "watchkeeper";

/** What `watchkeeper auth google` leaves in the skill's folder of the state directory. */
const tokenFile = z.object({ refreshToken: z.string().min(1), clientId: z.string() });

/**
 * The refresh token of a source: its own, or the one for all sources.
 * @throws AdapterError GOOGLE_LOGIN_MISSING with the command that mends it.
 */
export async function readRefreshToken(
  stateDir: string | undefined,
  name: string,
  clientId: string,
): Promise<string> {
  for (const file of [`google-${name}.token.json`, "google.token.json"]) {
    const text = await readFile(join(stateDir ?? ".", file), "utf8").catch(() => undefined);
    const token = text === undefined ? undefined : parse(text);
    // A token is good for the client only that it was made for.
    if (token?.clientId === clientId) return token.refreshToken;
  }
  throw new AdapterError("GOOGLE_LOGIN_MISSING", `calendar "${name}" has no login at Google`, {
    hint: "Run: watchkeeper auth google",
    retryable: false,
  });
}

function parse(text: string) {
  try {
    return tokenFile.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
