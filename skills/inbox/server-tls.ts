import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { resolve } from "node:path";

/** What the connections to mail servers, IMAP and SMTP, go by when it comes to encryption. */

/** The server is on this machine: nobody on a network can listen. Literal names only, nothing is resolved. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * A certificate authority, given as PEM text or as the path of a PEM file.
 * @throws whatever reading the file throws
 */
export async function readAuthority(ca: string, baseDir: string): Promise<string> {
  return ca.includes("-----BEGIN") ? ca : readFile(resolve(baseDir, ca), "utf8");
}
