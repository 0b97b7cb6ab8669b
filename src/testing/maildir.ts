import { randomUUID } from "node:crypto";
import { mkdir, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatMail, type MailMessage } from "./mail-message.ts";

/** A Maildir that tests put mail into. */
export interface Maildir {
  readonly path: string;
  /**
   * Delivers a message, or raw bytes as they are, as a mail server does: written to `tmp/`, then
   * renamed into `new/`. A message with a date looks as if it had come then.
   * @returns the path of the message.
   */
  deliver(mail: MailMessage | string | Uint8Array): Promise<string>;
}

/** Makes a Maildir, or takes the one that is there. */
export async function createMaildir(path: string): Promise<Maildir> {
  for (const folder of ["tmp", "new", "cur"]) {
    await mkdir(join(path, folder), { recursive: true });
  }
  return {
    path,
    async deliver(mail) {
      const raw = typeof mail === "string" || mail instanceof Uint8Array;
      const date = (raw ? undefined : mail.date) ?? new Date();
      const name = `${Math.floor(date.getTime() / 1_000)}.${randomUUID()}.example`;
      const written = join(path, "tmp", name);
      const delivered = join(path, "new", name);
      await writeFile(written, raw ? mail : formatMail(mail));
      await utimes(written, date, date);
      await rename(written, delivered);
      return delivered;
    },
  };
}
