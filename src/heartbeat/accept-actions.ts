import { createHash } from "node:crypto";
import { z } from "zod";
import { describeError } from "../domain/errors.ts";
import type { Scrub } from "../domain/scrub.ts";
import { scrubData } from "../domain/scrub-data.ts";
import { effectOf } from "../effects/fit.ts";
import type { PlannedAction } from "../store/port.ts";
import { toolName, type LoadedCheck, type LoadedTool } from "../skills/load.ts";

/** The border for what a check says is to be done by the owner's rules: validated before it is planned. */

const mostActions = 200;

const actionSchema = z.object({
  key: z.string().min(1).max(200),
  tool: z.string(),
  input: z.unknown(),
  maxPerHour: z.int().min(0).optional(),
});

export interface AcceptedActions {
  readonly actions: readonly PlannedAction[];
  /** What was set aside, for the receipt. */
  readonly notes: readonly string[];
}

/** One bad action is set aside with a note; the rest goes on. */
export function acceptActions(
  given: readonly unknown[],
  check: Pick<LoadedCheck, "name" | "skill">,
  tools: ReadonlyMap<string, LoadedTool>,
  scrub: Scrub,
): AcceptedActions {
  const actions: PlannedAction[] = [];
  const notes: string[] = [];
  for (const [index, value] of given.slice(0, mostActions).entries()) {
    try {
      const accepted = acceptAction(value, check, tools, scrub);
      if (typeof accepted === "string")
        notes.push(`action ${index + 1} was set aside: ${accepted}`);
      else actions.push(accepted);
    } catch (error) {
      notes.push(`action ${index + 1} was set aside: ${describeError(error)}`);
    }
  }
  if (given.length > mostActions) {
    notes.push(`${given.length - mostActions} actions above ${mostActions} were set aside`);
  }
  return { actions, notes };
}

function acceptAction(
  value: unknown,
  check: Pick<LoadedCheck, "name" | "skill">,
  tools: ReadonlyMap<string, LoadedTool>,
  scrub: Scrub,
): PlannedAction | string {
  const parsed = actionSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join(".") || "it"}: ${issue?.message ?? "invalid"}`;
  }
  const { key, tool: part, maxPerHour } = parsed.data;
  const tool = tools.get(toolName(check.skill, part));
  if (tool?.skill !== check.skill) return `the skill has no tool "${part}"`;
  const input = tool.definition.input.safeParse(parsed.data.input);
  if (!input.success)
    return `its input does not fit ${tool.name}: ${input.error.issues[0]?.message ?? ""}`;
  const given: unknown = input.data;
  // The journal keeps none: another call than this would be carried out from it.
  if (scrubData(given, scrub) !== given) return "its input holds a secret of the owner's";
  const does = effectOf(tool, given);
  if (does === "read") return `${tool.name} only reads`;
  if (does === "destroy") return `${tool.name} cannot be undone, and is never done by a rule`;
  return {
    idempotencyKey: createHash("sha256").update(`${check.name}/${key}`).digest("hex").slice(0, 32),
    tool: tool.name,
    toolVersion: tool.version,
    effect: does,
    arguments: given,
    maxPerHour,
  };
}
