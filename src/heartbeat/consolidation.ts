import { parseSchedule } from "../domain/schedule.ts";
import { oneLine } from "../domain/plain-text.ts";
import type { ObservationInput, SkillLog } from "../skills/define.ts";
import type { LoadedCheck } from "../skills/load.ts";
import type { MemoryRecord, Store } from "../store/port.ts";

/**
 * The one check that comes with the daemon: once a day what is past its time is forgotten and what is said
 * twice is merged, without a model; then the notes since the last time are one finding, over which the agent
 * may propose lines for `MEMORY.md`.
 */

const consolidationCheck = "memory/consolidation";

/** A quiet hour, apart from those at which others do their nightly work. */
const cron = "40 3 * * *";
const timeoutMs = 30_000;
/** A finding is shown to the agent up to 4,000 characters; what does not fit comes the next time. */
const longestText = 3_800;
const mostNotes = 100;
const dayMs = 24 * 60 * 60_000;

export interface ConsolidationDependencies {
  readonly store: Store;
  readonly timezone: string;
  /** Without one nobody could propose anything: the notes are tidied, and wait. */
  readonly hasModel: boolean;
  readonly log: SkillLog;
}

export function consolidation({
  store,
  timezone,
  hasModel,
  log,
}: ConsolidationDependencies): LoadedCheck {
  const parsed = parseSchedule({ cron }, { everyMs: dayMs, timezone });
  if (!parsed.ok) throw new Error(parsed.problem);
  return {
    name: consolidationCheck,
    skill: "memory",
    schedule: parsed.schedule,
    timeoutMs,
    log,
    async observe({ cursor, now }) {
      // By itself and before the look is saved: killed in between, the next look finds it done.
      const { expired, merged } = await store.tidyMemories(now.getTime());
      const notes = [
        ...(expired > 0 ? [`notes past their time that were forgotten: ${expired}`] : []),
        ...(merged > 0 ? [`notes that were merged into others: ${merged}`] : []),
      ];
      const after = lastNoteOf(cursor);
      const query = { id: after, limit: mostNotes, now: now.getTime() };
      const fresh = hasModel ? fitting(await store.memoriesAfter(query)) : [];
      const last = fresh.at(-1);
      if (!last) return { observations: [], notes };
      return {
        observations: [observationOf(fresh, now)],
        cursor: { lastNote: last.id },
        notes,
      };
    },
  };
}

function lastNoteOf(cursor: unknown): number {
  const last =
    typeof cursor === "object" && cursor !== null && "lastNote" in cursor ? cursor.lastNote : 0;
  return typeof last === "number" && Number.isSafeInteger(last) ? last : 0;
}

/** On one line each: a stranger's words in a note cannot pass for another note. */
const lineOf = ({ id, trust, text }: MemoryRecord): string =>
  `note ${id} (${trust}): ${oneLine(text, longestText)}`;

function fitting(notes: readonly MemoryRecord[]): MemoryRecord[] {
  let length = 0;
  return notes.filter((note, index) => {
    length += lineOf(note).length + 1;
    return index === 0 || length <= longestText;
  });
}

function observationOf(notes: readonly MemoryRecord[], now: Date): ObservationInput {
  const ids = notes.map(({ id }) => id);
  const isTrusted = notes.every(({ trust }) => trust === "trusted");
  const count = notes.length === 1 ? "1 new note" : `${notes.length} new notes`;
  return {
    key: `notes-${ids[0] ?? 0}-${ids.at(-1) ?? 0}`,
    severity: "notice",
    trust: isTrusted ? "trusted" : "untrusted",
    title: `${count} of the agent, to be gone through for MEMORY.md`,
    text: notes.map(lineOf).join("\n"),
    data: { notes: ids },
    // Over without a word: what was not gone through by then is in the store all the same.
    closesAt: new Date(now.getTime() + dayMs),
  };
}
