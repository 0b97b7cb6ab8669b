import { z } from "zod";
import { ToolError } from "../domain/errors.ts";
import { plainText } from "../domain/plain-text.ts";
import { defineTool, type AnyTool, type SkillLog } from "../skills/define.ts";
import { loadTool, type LoadedSkill, type LoadedTool } from "../skills/load.ts";
import type { MemoryRecord, Store } from "../store/port.ts";
import { memoryPropose } from "./memory-propose.ts";
import { skillRead } from "./skill-read.ts";

/** Tools that are always there: the agent's own notes, and the skills' instructions. */

const longestNote = 2_000;
const mostNotes = 20;
const noteDays = { least: 1, most: 3_650 };

/** What these tools want of the store when they are called. */
export type OwnToolStore = Pick<Store, "addMemory" | "removeMemory" | "searchMemories">;

export interface OwnToolDependencies {
  readonly store: OwnToolStore;
  readonly log: SkillLog;
  readonly skills: readonly LoadedSkill[];
  readonly stateDir: string;
}

export function ownTools({ store, log, skills, stateDir }: OwnToolDependencies): LoadedTool[] {
  const memory = { note: memoryNote(store), search: memorySearch(store) };
  const read = skillRead(skills);
  return [
    ...Object.entries(memory).map(([part, tool]) => loadTool({ skill: "memory", part, tool, log })),
    memoryPropose(stateDir, log),
    ...(read ? [loadTool({ skill: "skill", part: "read", tool: read, log })] : []),
  ];
}

const memoryNote = (store: OwnToolStore): AnyTool =>
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

const memorySearch = (store: OwnToolStore): AnyTool =>
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
