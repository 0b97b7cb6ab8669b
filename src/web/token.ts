import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../domain/errors.ts";

/**
 * The owner's token, and the secret that keys of pushes are made of. Both are files of mode 0600 in the
 * state directory: whoever can read them can read the database and use `control.sock` as well, so a
 * hash in their place would keep nothing safe.
 */

const tokenFile = "web-token";
const pushSecretFile = "push-secret";
/** 32 random bytes in base64url. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/;

/** Read afresh for each request, so that a new one counts at once. Undefined while there is none. */
export const readToken = (stateDir: string): string | undefined => read(join(stateDir, tokenFile));

/** The token there is, or one that is made now; with `renew` always a new one. */
export const makeToken = (stateDir: string, { renew }: { renew: boolean }): string =>
  make(join(stateDir, tokenFile), renew);

/** The key of a push that has none of its own in the configuration. */
export function derivedPushKey(stateDir: string, name: string): string {
  const secret = make(join(stateDir, pushSecretFile), false);
  return createHmac("sha256", secret).update(`push/${name}`).digest("base64url");
}

/** Compares in a time that tells nothing of the secret, nor of its length. */
export function isSame(given: string, secret: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}

function read(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(path, error);
  }
  // An empty or cut file must never be a token that is easy to guess.
  if (!secretPattern.test(text)) throw unusable(path);
  return text;
}

function make(path: string, renew: boolean): string {
  const known = renew ? undefined : read(path);
  if (known !== undefined) {
    chmodSync(path, 0o600);
    return known;
  }
  const made = randomBytes(32).toString("base64url");
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, `${made}\n`, { mode: 0o600 });
    if (renew) renameSync(part, path);
    else publishOnce(part, path);
  } catch (cause) {
    throw unusable(path, cause);
  }
  return renew ? made : (read(path) ?? made);
}

/** Whole or not at all, and whoever comes second takes what the first has made. */
function publishOnce(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(part);
  }
}

const unusable = (path: string, cause?: unknown): StoreError =>
  new StoreError("SECRET_FILE_UNUSABLE", `cannot use ${path}`, {
    cause,
    hint: "Remove it: a new one is made, and the old secret ends",
  });
