import { WatchkeeperError } from "../../domain/errors.ts";
import type { MemoryRecord, StoreReader } from "../../store/index.ts";
import { noteView } from "../../views/note.ts";
import {
  exit,
  parseId,
  parseLimit,
  readExistingStore,
  writeStore,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { painterFor, quoted, shortTime, table, wrap } from "../text.ts";

/** What the agent has noted, and the owner's word that a note is to be forgotten. */

export async function listNotes(
  context: CommandContext,
  options: { all?: true; limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  await using store = readExistingStore(context);
  const query = { all: options.all ?? false, limit, now: Date.now() };
  return await showNotes(context, store, await store.listMemories(query), "Nothing is noted.");
}

export async function searchNotes(
  context: CommandContext,
  words: readonly string[],
  options: { limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  await using store = readExistingStore(context);
  const found = await store.searchMemories({ text: words.join(" "), limit, now: Date.now() });
  return await showNotes(context, store, found, "No note holds these words.");
}

async function showNotes(
  context: CommandContext,
  store: StoreReader,
  notes: readonly MemoryRecord[],
  whenNone: string,
): Promise<number> {
  const { out, json } = context;
  if (json) out.write(`${JSON.stringify(notes.map(noteView), null, 2)}\n`);
  else
    out.write(
      `${notes.length > 0 ? noteTable(notes, context, await ownersZone(store)) : whenNone}\n`,
    );
  return exit.done;
}

function noteTable(notes: readonly MemoryRecord[], context: CommandContext, zone: string): string {
  const paint = painterFor(context.out, context.environment);
  const now = Date.now();
  const rows = notes.map((note) => [
    String(note.id),
    shortTime(note.createdAt, now, zone),
    note.trust === "untrusted" ? paint("yellow", note.trust) : note.trust,
    note.runId === null ? "-" : String(note.runId),
    expiryOf(note, now, zone),
    firstLine(note.text),
  ]);
  return table(
    [
      { title: "id", align: "right" },
      { title: "noted" },
      { title: "trust" },
      { title: "run", align: "right" },
      { title: "until" },
      { title: "what", width: "fill" },
    ],
    rows,
    context.out.columns,
  );
}

function expiryOf({ expiresAt }: MemoryRecord, now: number, zone: string): string {
  if (expiresAt === null) return "-";
  return expiresAt <= now ? "over" : shortTime(expiresAt, now, zone);
}

/** As a note stands in the store: its lines are plain, and its first one is never empty. */
const firstLine = (text: string): string => quoted(text.split("\n", 1)[0] ?? "");

export async function showNote(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = readExistingStore(context);
  const note = await store.getMemory(wanted);
  if (!note) throw unknownNote(wanted);
  const { out, json } = context;
  if (json) out.write(`${JSON.stringify(noteView(note), null, 2)}\n`);
  else out.write(`${renderNote(note, out.columns, await ownersZone(store))}\n`);
  return exit.done;
}

function renderNote(note: MemoryRecord, columns: number, zone: string): string {
  const now = Date.now();
  const when = (at: number) => shortTime(at, now, zone);
  const { id, runId, trust, createdAt, expiresAt, text } = note;
  const until =
    expiresAt === null
      ? "kept until you forget it"
      : expiresAt <= now
        ? `past its time since ${when(expiresAt)}: no run is shown it any more`
        : `kept until ${when(expiresAt)}`;
  const label =
    trust === "untrusted"
      ? "untrusted: its run had read what a stranger could have written"
      : "trusted: its run had read nothing of strangers";
  return [
    `note ${id}, noted ${when(createdAt)}${runId === null ? "" : ` by run ${runId}`}`,
    wrap(label, columns, "  "),
    until,
    "",
    ...text.split("\n").map((line) => wrap(`  ${quoted(line)}`, columns, "  ")),
  ].join("\n");
}

export async function forgetNote(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = await writeStore(context);
  const note = await store.getMemory(wanted);
  if (!note || !(await store.removeMemory(wanted))) throw unknownNote(wanted);
  const { out, json } = context;
  if (json) out.write(`${JSON.stringify({ forgotten: noteView(note) }, null, 2)}\n`);
  else {
    out.write(
      `${wrap(`note ${wanted} is forgotten: ${firstLine(note.text)}`, out.columns, "  ")}\n`,
    );
  }
  return exit.done;
}

const unknownNote = (id: number): WatchkeeperError =>
  new WatchkeeperError("NOTE_UNKNOWN", `there is no note ${id}`, {
    hint: "`watchkeeper memory list --all` lists them",
  });
