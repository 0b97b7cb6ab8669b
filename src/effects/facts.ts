import { grantKey, type Grant } from "../domain/policy.ts";
import { startOf } from "../domain/zoned-time.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { StoreReader } from "../store/port.ts";
import { contain, type CallOrigin, type ContainedDependencies } from "./contained.ts";

/** What policy wants to know of a call beside its arguments. */

export interface Facts {
  readonly facts: Readonly<Record<string, string>>;
  /** Why they are not known; a grant that wants some then does not match. */
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
  return end.kind === "returned"
    ? { facts: textFacts(end.result), error: null }
    : { facts: {}, error: end.error };
}

const textFacts = (facts: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((facts ?? {}) as Record<string, unknown>).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );

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
