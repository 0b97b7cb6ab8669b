import { z } from "zod";
import { ToolError } from "../domain/errors.ts";
import { plainText } from "../domain/plain-text.ts";
import { defineTool, type AnyTool, type SkillLog } from "../skills/define.ts";
import { loadTool, type LoadedTool } from "../skills/load.ts";
import type { MemoryRecord, Store } from "../store/port.ts";

/** Tools that are always there: the agent's own notes. */

const longestNote = 2_000;
const mostNotes = 20;
const noteDays = { least: 1, most: 3_650 };

export interface OwnToolDependencies {
  readonly store: Store;
  readonly log: SkillLog;
}

export function ownTools({ store, log }: OwnToolDependencies): LoadedTool[] {
  const tools: Record<string, AnyTool> = {
    note: memoryNote(store),
    search: memorySearch(store),
  };
  return Object.entries(tools).map(([part, tool]) =>
    loadTool({ skill: "memory", part, tool, log }),
  );
}

const memoryNote = (store: Store): AnyTool =>
  defineTool({
    description:
      "Note something that later runs should know, in one or two plain sentences. Not for what stands in findings anyway.",
    effect: "write",
    harmless: true,
    trust: "trusted",
    idempotent: true,
    input: z.strictObject({
      text: z.string().trim().min(1).max(longestNote),
      days: z
        .int()
        .min(noteDays.least)
        .max(noteDays.most)
        .optional()
        .describe("forget after so many days"),
    }),
    async run({ text, days }, { now, trust, runId, idempotencyKey }) {
      const createdAt = now.getTime();
      const id = await store.addMemory({
        runId,
        text: plainText(text, longestNote),
        // What a run that has read strangers' text notes may be a stranger's words.
        trust,
        createdAt,
        expiresAt: days === undefined ? null : createdAt + days * 86_400_000,
        noteKey: idempotencyKey,
      });
      return { noted: id };
    },
    async undo({ noted }) {
      if (await store.removeMemory(noted)) return;
      throw new ToolError("NOTE_GONE", `note ${noted} is not there any more`);
    },
  });

interface FoundNotes {
  readonly notes: readonly {
    readonly id: number;
    readonly noted: string;
    readonly trust: MemoryRecord["trust"];
    readonly text: string;
  }[];
}

const memorySearch = (store: Store): AnyTool =>
  defineTool({
    description:
      "Search your earlier notes. Gives those that hold all the words, best match first.",
    effect: "read",
    // A note keeps the label of the run that noted it.
    trust: ({ notes }: FoundNotes) =>
      notes.some(({ trust }) => trust === "untrusted") ? "untrusted" : "trusted",
    input: z.strictObject({
      text: z.string().trim().min(1).max(500),
      limit: z.int().min(1).max(mostNotes).default(5),
    }),
    async run({ text, limit }, { now }): Promise<FoundNotes> {
      const found = await store.searchMemories({ text, limit, now: now.getTime() });
      return {
        notes: found.map(({ id, createdAt, trust, text: note }) => ({
          id,
          noted: new Date(createdAt).toISOString(),
          trust,
          text: note,
        })),
      };
    },
  });
