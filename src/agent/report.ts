import type { ToolParam } from "../model/port.ts";
import { z } from "zod";
import { verdicts, type Verdict } from "../domain/finding.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";

/** The structured end of a run: one verdict per finding, validated; never prose. */

export const reportName = "report";

const verdictSchema = z.object({
  findingId: z.union([z.string(), z.int()]).transform(String),
  verdict: z.enum(verdicts),
  message: z.string().nullish(),
  effects: z.array(z.union([z.string(), z.int()]).transform(String)).optional(),
});

const reportSchema = z.object({
  verdicts: z.array(z.unknown()),
  summary: z.unknown().optional(),
});

const longestMessage = 2_000;
const longestSummary = 500;
const mostProblems = 20;

export const reportTool: ToolParam = {
  name: reportName,
  description:
    "End the run with a verdict for every finding. Call it alone, after the results of all other tools.",
  input_schema: {
    type: "object",
    properties: {
      verdicts: {
        type: "array",
        items: {
          type: "object",
          properties: {
            findingId: { type: "string" },
            verdict: { type: "string", enum: [...verdicts] },
            message: { type: "string", description: "For the owner, plain" },
            effects: {
              type: "array",
              items: { type: "string" },
              description: "Ids of effects you caused for it",
            },
          },
          required: ["findingId", "verdict"],
        },
      },
      summary: { type: "string", description: "The run in one sentence" },
    },
    required: ["verdicts"],
  },
};

export interface ReportedVerdict {
  readonly verdict: Verdict;
  readonly message: string | null;
  /** Ids of effects that it says were caused for it; not checked yet. */
  readonly effects: readonly string[];
}

export interface Report {
  /** By finding id; only valid ones for findings of this run. */
  readonly verdicts: ReadonlyMap<number, ReportedVerdict>;
  readonly summary: string | null;
  /** What is wrong or missing, for the model; empty when the report is whole. */
  readonly problems: readonly string[];
}

/** Reads a report: takes what is valid, and says what is not. */
export function readReport(input: unknown, findingIds: readonly number[]): Report {
  const parsed = reportSchema.safeParse(input);
  if (!parsed.success) {
    return { verdicts: new Map(), summary: null, problems: ["`verdicts` must be an array"] };
  }
  const wanted = new Set(findingIds);
  const found = new Map<number, ReportedVerdict>();
  const problems: string[] = [];
  for (const [index, value] of parsed.data.verdicts.entries()) {
    const item = verdictSchema.safeParse(value);
    if (!item.success) {
      const [issue] = item.error.issues;
      problems.push(`verdicts[${index}].${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
      continue;
    }
    const id = Number(item.data.findingId);
    if (!wanted.has(id))
      problems.push(`there is no finding "${oneLine(item.data.findingId, 40)}" in this run`);
    else if (found.has(id)) problems.push(`finding ${id} has more than one verdict`);
    else {
      const message = plainText(item.data.message ?? "", longestMessage) || null;
      const effects = (item.data.effects ?? []).map((effect) => oneLine(effect, 40));
      found.set(id, { verdict: item.data.verdict, message, effects });
    }
  }
  const missing = findingIds.filter((id) => !found.has(id));
  if (missing.length > 0) problems.push(`no valid verdict for finding ${missing.join(", ")}`);
  return { verdicts: found, summary: summaryOf(parsed.data.summary), problems: capped(problems) };
}

/** A courtesy to the owner: whatever is wrong with it, the verdicts stand. */
const summaryOf = (summary: unknown): string | null =>
  typeof summary === "string" ? oneLine(summary, longestSummary) || null : null;

/** What is missing comes last and must not be cut. */
function capped(problems: readonly string[]): string[] {
  if (problems.length <= mostProblems) return [...problems];
  const left = problems.length - mostProblems;
  return [...problems.slice(0, mostProblems - 1), `${left} more like these`, ...problems.slice(-1)];
}
