import { createHash } from "node:crypto";
import { rename, unlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Account } from "./config.ts";
import { folderPath, hasMail, isMaildir } from "./maildir-folders.ts";
import { maildirMailbox } from "./maildir-mailbox.ts";
import type { LookInput } from "./mailbox.ts";
import { notKept, type SentCopy, type SentFolder } from "./sent-folder.ts";

/** The folder `.Sent` inside a Maildir (Maildir++). It is used when it is there, and never made. */
export function maildirSent(account: Account, maildir: string, baseDir: string): SentFolder {
  const path = join(resolve(baseDir, maildir), ".Sent");
  const mailbox = maildirMailbox({ account, path, baseDir });
  const find: SentFolder["find"] = async (ids, context) => {
    if (!(await isMaildir(path))) return undefined;
    const found = new Set<string>();
    for (const id of ids) {
      if ((await mailbox.find(id, context)) !== undefined) found.add(id);
    }
    return found;
  };
  return {
    find,
    async keep(copy, context) {
      const found = await find([copy.messageId], context);
      if (found === undefined) return false;
      if (found.size === 0) await deliver(path, copy, context.now);
      return true;
    },
  };
}

/** The same folder as one that is looked at; its look gives undefined when there is none. */
export function maildirSentMailbox(account: Account, maildir: string, baseDir: string) {
  const path = folderPath(resolve(baseDir, maildir), "Sent");
  const mailbox = maildirMailbox({ account, path, baseDir });
  return {
    look: async (input: LookInput) => ((await hasMail(path)) ? mailbox.look(input) : undefined),
  };
}

/** As the Maildir rules have it: written whole in tmp/, then moved. */
async function deliver(path: string, { messageId, raw }: SentCopy, now: Date): Promise<void> {
  const unique = createHash("sha256").update(messageId).digest("hex").slice(0, 24);
  const name = `${Math.floor(now.getTime() / 1_000)}.${unique}.watchkeeper`;
  const temporary = join(path, "tmp", name);
  try {
    await writeFile(temporary, raw, { flag: "wx", mode: 0o600, flush: true });
    await rename(temporary, join(path, "cur", `${name}:2,S`));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw notKept(`${path} cannot be written`, error);
  }
}
