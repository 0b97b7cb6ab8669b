import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from "node:fs";
import { extname, join, relative, resolve, sep } from "node:path";
import { describeError, ToolError } from "../domain/errors.ts";

/** Text files beside a SKILL.md, such as `references/forms.md`: what the agent may read of a skill's folder. */

const readable = new Set([".md", ".txt", ".csv", ".yaml", ".yml"]);
const largestFile = 512 * 1024;
const deepest = 3;
const mostListed = 50;

/** Paths relative to the folder, sorted; hidden ones, code and everything that is not text left out. */
export function furtherFiles(dir: string): string[] {
  const found: string[] = [];
  const walk = (folder: string, depth: number): void => {
    for (const entry of entriesOf(folder)) {
      if (isHidden(entry.name) || found.length >= mostListed) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < deepest) walk(path, depth + 1);
      else if (entry.isFile() && readable.has(extname(entry.name))) {
        found.push(relative(dir, path).split(sep).join("/"));
      }
    }
  };
  walk(dir, 1);
  return found.filter((path) => path !== "SKILL.md");
}

/** What cannot be listed has nothing to offer; reading it would say why. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  } catch {
    return [];
  }
}

const isHidden = (name: string): boolean => name.startsWith(".") || name === "node_modules";

/**
 * Reads one of them. Neither `..` nor a link leads out of the folder.
 * @throws ToolError when it is not there, leads elsewhere, is too large, or is not text
 */
export function readFurtherFile(dir: string, file: string): string {
  const refused = (why: string) =>
    new ToolError("SKILL_FILE_REFUSED", `${file.slice(0, 200)} ${why}`, {
      hint: "Name a text file of the skill's folder by its path from there, such as references/a.md",
    });
  const path = resolve(dir, file);
  const below = relative(dir, path);
  if (!below || below.split(sep).some((part) => part === ".." || isHidden(part))) {
    throw refused("is not a file of the skill");
  }
  if (!readable.has(extname(path))) throw refused("is not a kind of text that is read");
  let descriptor: number;
  try {
    const real = realpathSync(path);
    if (!real.startsWith(realpathSync(dir) + sep)) throw refused("is not a file of the skill");
    // Not blocking: a pipe without a writer would hold the daemon up.
    descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw refused(`cannot be read (${describeError(error).slice(0, 100)})`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw refused("is not a file");
    if (stat.size > largestFile) throw refused("is larger than 512 KB");
    const bytes = Buffer.alloc(stat.size);
    const length = readSync(descriptor, bytes, 0, stat.size, 0);
    return decode(bytes.subarray(0, length)) ?? fail(refused("is not text"));
  } finally {
    closeSync(descriptor);
  }
}

function decode(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function fail(error: Error): never {
  throw error;
}
