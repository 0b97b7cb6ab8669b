import { defineTool, z } from "watchkeeper";
import type { AnyTool, ToolRunContext } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import { readMemory } from "./memory.ts";
import type { Memory } from "./memory.ts";
import { addressOf } from "./target.ts";
import type { Target } from "./target.ts";

/** What the agent is told of each target: as its check last saw it. */

const states = ["down", "flapping", "doubtful", "not-judged", "not-seen", "up"] as const;
type State = (typeof states)[number];

// So many fit into what the agent is shown of a result.
const mostListed = 50;
const longestText = 120;

/** What a target's check remembers; undefined when it never looked. */
export async function memoryOf(
  { name }: Target,
  { cursorOf }: Pick<ToolRunContext, "cursorOf">,
): Promise<Memory | undefined> {
  return readMemory(await cursorOf?.(name));
}

export function stateOf(memory: Memory | undefined): State {
  if (!memory?.last) return "not-seen";
  const { health, flapping, setAside, last } = memory;
  if (flapping.since !== null) return "flapping";
  if (health.state === "down") return "down";
  if (setAside !== null && !last.ok) return "not-judged";
  return health.trouble === null ? "up" : "doubtful";
}

export const isoOrNull = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : new Date(at).toISOString();

export function listTool({ targets }: ServicesConfig): AnyTool {
  return defineTool({
    description:
      "List the watched services as their checks last saw them, at most 50, the worst first.",
    effect: "read",
    trust: "trusted",
    input: z.strictObject({ state: z.enum(states).optional() }),
    async run({ state: wanted }, context) {
      const all = await Promise.all(
        targets.map(async (target) => describe(target, await memoryOf(target, context))),
      );
      const counts = Object.fromEntries(
        states.map((state) => [state, all.filter((each) => each.state === state).length]),
      );
      const chosen = all
        .filter(({ state }) => wanted === undefined || state === wanted)
        .sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
      return {
        total: targets.length,
        counts,
        services: chosen.slice(0, mostListed),
        ...(chosen.length > mostListed && { leftOut: chosen.length - mostListed }),
      };
    },
  });
}

function describe(target: Target, memory: Memory | undefined) {
  const state = stateOf(memory);
  const since = state === "flapping" ? memory?.flapping.since : memory?.health.trouble?.since;
  return {
    name: target.name,
    kind: target.kind,
    address: addressOf(target).slice(0, longestText),
    state,
    ...(since !== undefined && { since: isoOrNull(since) }),
    lastLookAt: isoOrNull(memory?.last?.at),
    measured: memory?.last?.measured.slice(0, longestText) ?? null,
    ...(state === "not-judged" && { because: memory?.setAside }),
  };
}
