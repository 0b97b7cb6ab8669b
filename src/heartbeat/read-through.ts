import { ToolError } from "../domain/errors.ts";
import { effectOf } from "../effects/fit.ts";
import { contain, type ContainedDependencies } from "../effects/contained.ts";
import type { ObserveInput } from "../skills/define.ts";
import type { LoadedTool } from "../skills/load.ts";

/** What a check may ask of other skills while it looks: their `read` tools, and nothing that does anything. */
export function readThrough(
  tools: ReadonlyMap<string, LoadedTool>,
  dependencies: ContainedDependencies,
): ObserveInput["callTool"] {
  return async (name, given) => {
    const tool = tools.get(name);
    if (!tool) throw new ToolError("TOOL_MISSING", `there is no tool "${name}"`);
    const parsed = tool.definition.input.safeParse(given);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new ToolError("TOOL_INPUT_INVALID", `${name}: ${issue?.message ?? "invalid input"}`);
    }
    const input: unknown = parsed.data;
    if (effectOf(tool, input) !== "read") {
      throw new ToolError("TOOL_NOT_READ", `${name} does more than read`, {
        hint: "A check observes; what is to be done is an action or the agent's",
      });
    }
    const call = { idempotencyKey: "", trust: "untrusted", runId: null } as const;
    const end = await contain(tool, call, dependencies, (context) =>
      tool.definition.run(input, context),
    );
    if (end.kind === "returned") return end.result;
    throw new ToolError("TOOL_FAILED", `${name}: ${end.error}`);
  };
}
