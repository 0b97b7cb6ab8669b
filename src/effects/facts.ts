import { grantKey, type Grant } from "../domain/policy.ts";
import { startOf } from "../domain/zoned-time.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { StoreReader } from "../store/port.ts";
import { contain, type CallOrigin, type ContainedDependencies } from "./contained.ts";

/** What policy wants to know of a call beside its arguments. */

export interface Facts {
  /** Null when they could not be looked up: a grant with conditions then does not match. */
  readonly facts: Readonly<Record<string, string>> | null;
  /** Why they are not known. */
  readonly error: string | null;
}

/** Asks the tool's own code what the call is about. Never throws. */
export async function lookUpFacts(
  tool: LoadedTool,
  input: unknown,
  origin: CallOrigin,
  dependencies: ContainedDependencies,
): Promise<Facts> {
  const { definition } = tool;
  if (!definition.subject) return { facts: {}, error: null };
  const end = await contain(tool, origin, dependencies, async (context) =>
    definition.subject?.(input, context),
  );
  return end.kind === "returned" ? textFacts(end.result) : { facts: null, error: end.error };
}

/** A fact that is no text is not known; were it left out, an argument of its name would stand in for it. */
function textFacts(found: unknown): Facts {
  const entries = Object.entries((found ?? {}) as Record<string, unknown>);
  const wrong = entries.find(([, value]) => typeof value !== "string");
  if (wrong) return { facts: null, error: `the fact "${wrong[0]}" is not text` };
  return { facts: Object.fromEntries(entries) as Record<string, string>, error: null };
}

const keptWithinMs = 10_000;
const longestKept = 16_384;

/**
 * The facts of a call that the owner is asked for, to be kept with it: later no look-up may find them,
 * as the message is archived by then. Null when they are not known.
 * @param known those that were looked up for the decision
 */
export async function factsToKeep(
  { tool, input, known }: { tool: LoadedTool; input: unknown; known: Facts | undefined },
  origin: CallOrigin,
  dependencies: ContainedDependencies,
): Promise<Facts["facts"]> {
  // Nobody's decision hangs on it: the run does not wait for long.
  const timeoutMs = Math.min(tool.timeoutMs, keptWithinMs);
  const { facts } =
    known ?? (await lookUpFacts({ ...tool, timeoutMs }, input, origin, dependencies));
  return JSON.stringify(facts).length > longestKept ? null : facts;
}

/** How often each grant was used since midnight in the owner's zone, by its key. */
export async function grantUsesToday(
  grants: readonly Grant[],
  {
    store,
    now,
    timezone,
  }: { store: Pick<StoreReader, "grantUses">; now: number; timezone: string },
): Promise<Map<string, number>> {
  const since = startOf("day", now, timezone);
  const uses = grants.map(async (grant) => {
    const key = grantKey(grant);
    return [key, await store.grantUses(key, since)] as const;
  });
  return new Map(await Promise.all(uses));
}
