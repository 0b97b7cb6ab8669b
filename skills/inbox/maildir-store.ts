import { mkdir, rename, unlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ToolError } from "watchkeeper";
import type { Account } from "./config.ts";
import { identifyMessage } from "./identity.ts";
import { flagsOf, keywordLetter, lettersFor, withFlags } from "./maildir-flags.ts";
import { dateEntries, listMaildir, type MaildirEntry, readEntry } from "./maildir-files.ts";
import { folderPath, hasMail, isMaildir } from "./maildir-folders.ts";
import { findInMaildir } from "./maildir-mailbox.ts";
import type {
  ChangeContext,
  FoundMessage,
  MailContext,
  MailQuery,
  MailStore,
  Mark,
} from "./mail-store.ts";
import { messageFits } from "./search-query.ts";

const archiveName = "Archive";
const draftsName = "Drafts";
/** Messages that one search opens at most in each folder, newest first. */
const mostSearched = 2_000;

interface Located extends FoundMessage {
  readonly path: string;
  readonly entry: MaildirEntry;
}

/** The folders of a Maildir. A message is changed by renaming its file, as mail programs do. */
export function maildirStore(account: Account, maildir: string, baseDir: string): MailStore {
  const root = resolve(baseDir, maildir);
  const pathOf = (folder: string) => folderPath(root, folder);
  const searched = async (): Promise<string[]> => {
    const names = [...new Set([...account.folders, archiveName])];
    const there = await Promise.all(names.map((name) => hasMail(pathOf(name))));
    const found = names.filter((_, index) => there[index]);
    // With nothing there, looking into the first says what is wrong.
    return found.length > 0 ? found : account.folders.slice(0, 1);
  };

  const locate = async (
    id: string,
    { signal }: MailContext,
    names?: readonly string[],
  ): Promise<Located | undefined> => {
    for (const folder of names ?? (await searched())) {
      const path = pathOf(folder);
      if (names !== undefined && !(await hasMail(path))) continue;
      const found = await findInMaildir(path, id, signal);
      if (found !== undefined) return { ...found, folder, path };
    }
    return undefined;
  };

  return {
    find: async (id, context) => locate(id, context),
    async search(query, context) {
      const found: FoundMessage[] = [];
      for (const folder of await searched())
        found.push(...(await searchFolder(pathOf(folder), folder, query, context)));
      return found.sort((a, b) => b.stored.arrivedAt - a.stored.arrivedAt).slice(0, query.limit);
    },
    async mark(id, mark, on, context) {
      const found = await locate(id, context);
      if (found === undefined) return undefined;
      const { folder, path, entry } = found;
      const letter = await letterOf(path, mark, on ? context.onBegin : undefined);
      const flags = flagsOf(entry.path);
      if (letter === undefined || flags.includes(letter) === on) return { folder, changed: false };
      const next = on ? flags + letter : flags.replaceAll(letter, "");
      context.onBegin();
      await renameMessage(join(path, entry.path), join(path, "cur", withFlags(entry.base, next)));
      return { folder, changed: true };
    },
    async isMarked(id, mark, context) {
      const found = await locate(id, context);
      if (found === undefined) return undefined;
      const letter = await letterOf(found.path, mark);
      const marked = letter !== undefined && flagsOf(found.entry.path).includes(letter);
      return { folder: found.folder, marked };
    },
    async archive(id, context) {
      const found = await locate(id, context);
      if (found === undefined) return undefined;
      if (found.folder !== archiveName) await moveTo(found, pathOf(archiveName), context);
      return { from: found.folder, to: archiveName };
    },
    async moveBack(id, { from, to }, context) {
      const found = await locate(id, context, [to]);
      if (found === undefined) return false;
      await moveTo(found, pathOf(from), context);
      return true;
    },
    async addDraft(raw, context) {
      const path = pathOf(draftsName);
      context.onBegin();
      await makeMaildir(path);
      const seconds = Math.floor(context.now.getTime() / 1_000);
      const name = `${seconds}.${crypto.randomUUID()}.watchkeeper`;
      const temporary = join(path, "tmp", name);
      try {
        await writeFile(temporary, raw, { flag: "wx", mode: 0o600, flush: true });
        await rename(temporary, join(path, "cur", withFlags(name, "DS")));
      } catch (error) {
        await unlink(temporary).catch(() => undefined);
        throw notChanged(error);
      }
      return draftsName;
    },
    async findDraft(id, context) {
      const found = await locate(id, context, [draftsName]);
      if (found === undefined) return undefined;
      const { source, size } = found.stored;
      return { id: identifyMessage(source, size).key, folder: found.folder };
    },
    async removeDraft(key, context) {
      const found = await locate(key, context, [draftsName]);
      if (found === undefined) return false;
      context.onBegin();
      await unlink(join(found.path, found.entry.path)).catch((error: unknown) => {
        throw notChanged(error);
      });
      return true;
    },
  };

  async function moveTo(found: Located, path: string, { onBegin }: ChangeContext): Promise<void> {
    onBegin();
    await makeMaildir(path);
    const flags = await lettersFor(flagsOf(found.entry.path), found.path, path);
    const { base } = found.entry;
    const taken = (await listMaildir(path)).some((entry) => entry.base === base);
    const free = taken ? `${base}_${crypto.randomUUID().slice(0, 8)}` : base;
    await renameMessage(
      join(found.path, found.entry.path),
      join(path, "cur", withFlags(free, flags)),
    );
  }

  async function searchFolder(
    path: string,
    folder: string,
    query: MailQuery,
    { signal }: MailContext,
  ): Promise<FoundMessage[]> {
    const dated = await dateEntries(path, await listMaildir(path), signal);
    const since = query.since?.getTime() ?? 0;
    const candidates = dated
      .filter(({ isFile, arrivedAt }) => isFile && arrivedAt >= since)
      .sort((a, b) => b.arrivedAt - a.arrivedAt);
    const found: FoundMessage[] = [];
    for (const { path: file, base, arrivedAt } of candidates.slice(0, mostSearched)) {
      if (found.length >= query.limit) break;
      signal.throwIfAborted();
      const content = await readEntry(path, file).catch(() => undefined);
      if (content === undefined) continue;
      const stored = { ...content, arrivedAt, place: { file: base } };
      if (await messageFits(stored, query)) found.push({ stored, folder });
    }
    return found;
  }
}

/** @param onMake called before a letter is taken for a label that has none; without it none is taken */
async function letterOf(
  path: string,
  mark: Mark,
  onMake?: () => void,
): Promise<string | undefined> {
  if (mark.kind === "label") return keywordLetter(path, mark.label, onMake);
  return { seen: "S", answered: "R" }[mark.kind];
}

async function makeMaildir(path: string): Promise<void> {
  if (await isMaildir(path)) return;
  try {
    for (const part of ["tmp", "new", "cur"])
      await mkdir(join(path, part), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw notChanged(error);
  }
}

/** A rename is done or it is not; another mail program may have been quicker. */
async function renameMessage(from: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
  } catch (error) {
    throw notChanged(error);
  }
}

function notChanged(error: unknown): ToolError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ToolError("INBOX_CHANGE_REFUSED", `the Maildir was not changed: ${reason}`, {
    hint: "Nothing was done; the user that the daemon runs as must be able to write there",
  });
}
