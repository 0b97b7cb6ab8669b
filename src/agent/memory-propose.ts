import { z } from "zod";
import {
  changeMemory,
  isPlainLine,
  longestLine,
  mostLines,
  planMemoryChange,
  undoMemoryChange,
} from "../memory/long-term.ts";
import { defineTool, type SkillLog } from "../skills/define.ts";
import { loadTool, type LoadedTool } from "../skills/load.ts";

/**
 * Lines for `MEMORY.md`, as the agent proposes them. All that stands there is trusted in every later run: so
 * the owner is always asked, is shown the exact change, and only that is made, and only to the file as it was
 * then.
 */

const line = z
  .string()
  .trim()
  .refine(isPlainLine, `must be one plain line of at most ${longestLine} characters`);
const lines = z.array(line).max(mostLines).default([]);
/** As the owner may have written it. */
const known = z.array(z.string().trim().min(1).max(2_000)).max(mostLines).default([]);
const why = z.string().trim().min(1).max(longestLine).optional();

const proposal = z
  .strictObject({ add: lines, remove: known, why })
  .refine(({ add, remove }) => add.length + remove.length > 0, "needs a line to add or remove");

const change = z.strictObject({
  base: z.string().regex(/^[0-9a-f]{16}$/),
  diff: z
    .array(z.string().refine((row) => !row.includes("\n"), "must be one line"))
    .min(2)
    .max(2_000),
  why,
});

export function memoryPropose(stateDir: string, log: SkillLog): LoadedTool {
  const tool = defineTool({
    description:
      "Propose lines of MEMORY.md, lasting facts from notes, to the owner, who is always asked.",
    effect: "write",
    trust: "trusted",
    idempotent: true,
    input: change,
    async run({ base, diff }) {
      return changeMemory(stateDir, { base, diff });
    },
    async undo(done) {
      await undoMemoryChange(stateDir, done);
    },
  });
  return {
    ...loadTool({ skill: "memory", part: "propose", tool, log }),
    asked: {
      input: proposal,
      async shown(input) {
        const { add, remove, why: reason } = proposal.parse(input);
        const { base, diff } = await planMemoryChange(stateDir, { add, remove });
        return { base, diff, ...(reason !== undefined && { why: reason }) };
      },
    },
  };
}
