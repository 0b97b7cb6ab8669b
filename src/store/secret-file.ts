import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isMissing, StoreError } from "../domain/errors.ts";
import { giveToOwner } from "./ownership.ts";

/**
 * Secrets of the daemon's own, each a file of mode 0600 in the state directory: whoever can read them can
 * read the database and use `control.sock` as well, so a hash in their place would keep nothing safe.
 */

/** 32 random bytes in base64url. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/;

/**
 * @returns undefined while there is none
 * @throws StoreError when the file cannot be read, or holds something else
 */
export function readSecretFile(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unusable(path, error);
  }
  // An empty or cut file must never be a secret that is easy to guess.
  if (!secretPattern.test(text)) throw unusable(path);
  return text;
}

/**
 * The secret there is, or one that is made now; with `renew` always a new one.
 * @throws StoreError when the file cannot be used
 */
export function makeSecretFile(path: string, { renew }: { readonly renew: boolean }): string {
  const known = renew ? undefined : readSecretFile(path);
  if (known !== undefined) {
    chmodSync(path, 0o600);
    return known;
  }
  const made = randomBytes(32).toString("base64url");
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, `${made}\n`, { mode: 0o600 });
    giveToOwner(part, dirname(path));
    if (renew) renameSync(part, path);
    else publishOnce(part, path);
  } catch (cause) {
    throw unusable(path, cause);
  }
  return renew ? made : (readSecretFile(path) ?? made);
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
