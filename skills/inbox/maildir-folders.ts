import { join } from "node:path";

/**
 * Where a folder of a Maildir is, as Maildir++ has it: `INBOX` is the Maildir itself, and `Team/Support`
 * the folder `.Team.Support` in it.
 */
export function folderPath(maildir: string, folder: string): string {
  if (folder.toUpperCase() === "INBOX") return maildir;
  // Without a separator left, the name leads nowhere else.
  return join(maildir, `.${folder.replace(/[/\\]/g, ".").replace(/^\.+/, "")}`);
}
