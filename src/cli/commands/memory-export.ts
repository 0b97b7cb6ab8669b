import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { codeSpan } from "../../domain/markdown.ts";
import { formatDateTime } from "../../domain/zoned-time.ts";
import type { MemoryRecord } from "../../store/index.ts";
import { noteView } from "../../views/note.ts";
import { exit, readExistingStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { plural, quoted, wrap } from "../text.ts";

type Format = "jsonl" | "markdown";

/** Gives out what the agent has noted, each note with its label. */
export async function exportNotes(
  context: CommandContext,
  file: string | undefined,
  options: { all?: true; force?: true; format?: Format },
): Promise<number> {
  const { out, json } = context;
  if (json && file === undefined && options.format !== undefined) {
    throw new ConfigError("EXPORT_TWO_FORMATS", `--json and --format cannot both be printed`, {
      hint: "Leave one of them out, or name a file for the notes",
    });
  }
  await using store = readExistingStore(context);
  const notes = await store.listMemories({ all: options.all ?? false, now: Date.now() });
  const oldestFirst = notes.toReversed();
  const text = formats[options.format ?? "jsonl"](oldestFirst, await ownersZone(store));
  if (file === undefined) {
    out.write(json ? `${JSON.stringify(oldestFirst.map(noteView), null, 2)}\n` : text);
    return exit.done;
  }
  const path = resolve(file);
  await writeNew(path, text, options.force ?? false);
  if (json) out.write(`${JSON.stringify({ file: path, notes: notes.length }, null, 2)}\n`);
  else out.write(`${wrap(`${plural(notes.length, "note")} in ${path}`, out.columns, "  ")}\n`);
  return exit.done;
}

const formats: Record<Format, (notes: readonly MemoryRecord[], zone: string) => string> = {
  jsonl: (notes) => notes.map((note) => `${JSON.stringify(noteView(note))}\n`).join(""),
  markdown: (notes, zone) =>
    [
      "# Notes\n",
      ...notes.map((note) => markdownOf(note, zone)),
      ...(notes.length === 0 ? ["None.\n"] : []),
    ].join("\n"),
};

/** The words of a note as code: whoever wrote them, nothing in them is a link, an image or HTML. */
function markdownOf(
  { id, trust, runId, createdAt, expiresAt, text }: MemoryRecord,
  zone: string,
): string {
  const when = (at: number) => formatDateTime(at, zone);
  const facts = [
    `noted ${when(createdAt)}`,
    ...(runId === null ? [] : [`run ${runId}`]),
    ...(expiresAt === null ? [] : [`until ${when(expiresAt)}`]),
  ];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return [
    `## Note ${id} (${trust})\n`,
    `${facts.join(", ")}\n`,
    ...lines.map((line) => `- ${codeSpan(line)}`),
    "",
  ].join("\n");
}

/** For the owner alone; what fails leaves nothing behind, and the old file as it was. */
async function writeNew(path: string, text: string, force: boolean): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.part`);
  const target = force ? beside : path;
  try {
    {
      await using handle = await open(target, force ? "w" : "wx", 0o600);
      await handle.chmod(0o600);
      await handle.writeFile(text);
    }
    if (force) await rename(beside, path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new WatchkeeperError("EXPORT_FILE_EXISTS", `${path} is there already`, {
        hint: "Name another file, or write over it with --force",
      });
    }
    await unlink(target).catch(() => undefined);
    throw new WatchkeeperError("EXPORT_NOT_WRITTEN", `cannot write ${quoted(path)}`, {
      cause: error,
      hint: "Name a file in a folder that you may write",
    });
  }
}
