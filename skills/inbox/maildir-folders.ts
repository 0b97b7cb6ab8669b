import { stat } from "node:fs/promises";
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

/** Whether mail can be put there. */
export const isMaildir = async (path: string): Promise<boolean> =>
  (await partsOf(path, ["cur", "new", "tmp"])).every(Boolean);

/** Whether mail can be in there. */
export const hasMail = async (path: string): Promise<boolean> =>
  (await partsOf(path, ["cur", "new"])).some(Boolean);

const partsOf = (path: string, names: readonly string[]): Promise<boolean[]> =>
  Promise.all(
    names.map((name) =>
      stat(join(path, name)).then(
        (stats) => stats.isDirectory(),
        () => false,
      ),
    ),
  );
