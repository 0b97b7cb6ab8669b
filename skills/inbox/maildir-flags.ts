import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ToolError } from "watchkeeper";

/**
 * Flags are letters at the end of a file's name, `:2,FS`. Labels are small letters, a to z, whose
 * meanings stand in the folder's file `dovecot-keywords`, which other programs share.
 */

const keywordsFile = "dovecot-keywords";
const mostKeywords = 26;
const lockAttempts = 40;
const lockWaitMs = 50;

export function flagsOf(path: string): string {
  return /[:;!]2,([^:;!/]*)$/.exec(path)?.[1] ?? "";
}

/** The name with these flags, in the order that the Maildir rules want. */
export function withFlags(base: string, flags: string): string {
  return `${base}:2,${[...new Set(flags)].sort().join("")}`;
}

/**
 * The letter that stands for a label in a folder.
 * @param onMake called before one is made; without it none is made
 */
export async function keywordLetter(
  folder: string,
  label: string,
  onMake?: () => void,
): Promise<string | undefined> {
  const known = await readKeywords(folder);
  const letter = letterIn(known, label);
  if (letter !== undefined || onMake === undefined) return letter;
  onMake();
  return locked(folder, async (lock) => {
    const keywords = await readKeywords(folder);
    const made = letterIn(keywords, label);
    if (made !== undefined) return made;
    const index = Array.from({ length: mostKeywords }, (_, at) => at).find(
      (at) => !keywords.has(at),
    );
    if (index === undefined) {
      throw new ToolError("INBOX_LABEL_REFUSED", "a Maildir folder holds no more than 26 labels", {
        hint: "Nothing was done; use a label that is there already",
      });
    }
    keywords.set(index, label);
    const lines = [...keywords].sort(([a], [b]) => a - b).map(([at, name]) => `${at} ${name}\n`);
    await writeFile(lock, lines.join(""));
    await rename(lock, join(folder, keywordsFile));
    return letterAt(index);
  });
}

/** The same flags in another folder, where other letters may stand for the same labels. */
export async function lettersFor(flags: string, from: string, to: string): Promise<string> {
  const labels = [...flags].filter((flag) => /[a-z]/.test(flag));
  if (labels.length === 0) return flags;
  const names = await readKeywords(from);
  const kept = [...flags].filter((flag) => !/[a-z]/.test(flag));
  for (const letter of labels) {
    const name = names.get(letter.charCodeAt(0) - 97);
    const there = name === undefined ? undefined : await keywordLetter(to, name, () => undefined);
    if (there !== undefined) kept.push(there);
  }
  return kept.join("");
}

const letterAt = (index: number): string => String.fromCharCode(97 + index);

function letterIn(keywords: ReadonlyMap<number, string>, label: string): string | undefined {
  for (const [index, name] of keywords)
    if (name.toLowerCase() === label.toLowerCase()) return letterAt(index);
  return undefined;
}

async function readKeywords(folder: string): Promise<Map<number, string>> {
  const keywords = new Map<number, string>();
  const text = await readFile(join(folder, keywordsFile), "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const match = /^(\d{1,2}) (\S+)$/.exec(line);
    const index = Number(match?.[1] ?? mostKeywords);
    if (match?.[2] !== undefined && index < mostKeywords) keywords.set(index, match[2]);
  }
  return keywords;
}

/** Dovecot's own lock for this file: whoever makes it writes the new content into it. */
async function locked<Result>(
  folder: string,
  work: (lock: string) => Promise<Result>,
): Promise<Result> {
  const lock = join(folder, `${keywordsFile}.lock`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await writeFile(lock, "", { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      const held = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (held && attempt < lockAttempts) {
        await wait(lockWaitMs);
        continue;
      }
      const reason = held ? "another program holds its lock" : String(error);
      throw new ToolError("INBOX_LABEL_REFUSED", `dovecot-keywords cannot be written: ${reason}`, {
        hint: "Nothing was done; try again later",
      });
    }
  }
  try {
    return await work(lock);
  } finally {
    // Gone by now when it became the file.
    await unlink(lock).catch(() => undefined);
  }
}
