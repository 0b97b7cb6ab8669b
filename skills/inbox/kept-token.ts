import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "watchkeeper";
import type { OAuth2Settings } from "./config.ts";

/**
 * The refresh token that a provider gave last, in the place of the owner's: where each is good for
 * one time only, the owner's own is worth nothing after the first use.
 */
export interface KeptToken {
  /** @returns undefined when there is none, or none that can be read */
  read(): Promise<string | undefined>;
  /** @throws whatever writing a file throws */
  write(refreshToken: string): Promise<void>;
}

const keptToken = z.object({ refreshToken: z.string().min(1).max(10_000) });

/** The same for all logins with the same refresh token of the owner; a new one there is another. */
export function permissionKey({ tokenUrl, clientId, refreshToken }: OAuth2Settings): string {
  const parts = JSON.stringify([tokenUrl, clientId, refreshToken]);
  return createHash("sha256").update(parts).digest("hex").slice(0, 32);
}

/** @param key as {@link permissionKey} makes it */
export function keptTokenFile(stateDir: string, key: string): KeptToken {
  const file = join(stateDir, `oauth2-${key}.token.json`);
  return {
    async read() {
      try {
        return keptToken.parse(JSON.parse(await readFile(file, "utf8"))).refreshToken;
      } catch {
        return undefined;
      }
    },
    write: (refreshToken) => writePrivately(file, JSON.stringify({ refreshToken })),
  };
}

/** For this user only, and on the disk when it returns: the token before it is worth nothing any more. */
async function writePrivately(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomUUID()}`;
  try {
    await writeFile(beside, text, { flag: "wx", mode: 0o600, flush: true });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
