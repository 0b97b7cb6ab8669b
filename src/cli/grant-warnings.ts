import { formatPath, nearestOf } from "../config/issues.ts";
import type { ResolvedConfig } from "../config/load.ts";
import { toolName } from "../skills/load.ts";

/**
 * Grants that name a tool that is not there: what they were meant to allow is asked each time.
 * @param tools by name, those of the loaded skills and those that are always there
 * @param unknown skills and servers whose tools cannot be told from here
 */
export function grantWarnings(
  { policy }: Pick<ResolvedConfig, "policy">,
  tools: readonly string[],
  unknown: readonly string[],
): readonly string[] {
  const prefixes = unknown.map((name) => toolName(name, ""));
  return policy.grants.flatMap(({ tool }, index) => {
    if (tools.includes(tool) || prefixes.some((prefix) => tool.startsWith(prefix))) return [];
    const nearest = nearestOf(tool, tools);
    const mend = nearest ? `did you mean "${nearest}"?` : "`watchkeeper skills` lists them";
    const place = formatPath("", ["policy", "grants", index, "tool"]);
    return [`${place}: there is no tool "${tool}", so this grant allows nothing; ${mend}`];
  });
}
