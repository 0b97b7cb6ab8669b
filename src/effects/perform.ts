import { grantKey, type Grant, type ToolEffect } from "../domain/policy.ts";
import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Trust } from "../domain/finding.ts";
import type { Scrub } from "../domain/scrub.ts";
import { scrubData } from "../domain/scrub-data.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { contain, type CallOrigin, type ToolEnd } from "./contained.ts";
import { outcomeFinding, type Outcome } from "./outcome.ts";

/**
 * Carrying out what a tool does to the world: the intent is on the disk before the call, the outcome
 * after it. A crash in between leaves `sent`, which the next start settles.
 */

export interface EffectDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly scrub: Scrub;
  readonly signal: AbortSignal;
}

export interface EffectCall {
  readonly tool: LoadedTool;
  /** Validated. */
  readonly input: unknown;
  readonly effect: ToolEffect;
  /** Of the arguments: untrusted when the run that made them had read untrusted text. */
  readonly trust: Trust;
  readonly runId: number | null;
  readonly stepId: number | null;
  readonly approvalId: number | null;
  readonly idempotencyKey: string;
  readonly grant: { readonly grant: Grant; readonly since: number } | null;
}

export type EffectEnd =
  /** Nothing was done. */
  | { readonly state: "refused"; readonly reason: string }
  | {
      readonly state: "done" | "failed" | "unknown";
      readonly id: number;
      readonly result: unknown;
      readonly error: string | null;
    };

export async function performEffect(
  call: EffectCall,
  dependencies: EffectDependencies,
): Promise<EffectEnd> {
  const { store, clock, signal } = dependencies;
  const { tool, input, grant, ...rest } = call;
  const pause = await store.pausedAt(clock.now());
  if (pause) return { state: "refused", reason: "watchkeeper is paused; nothing was done" };
  // A tool that is given no time would leave an outcome that nobody knows.
  if (signal.aborted)
    return { state: "refused", reason: "there is no time left; nothing was done" };
  const planned = await store.planEffect({
    ...rest,
    tool: tool.name,
    toolVersion: tool.version,
    arguments: input,
    grant: grant && {
      key: grantKey(grant.grant),
      maxPerDay: grant.grant.maxPerDay,
      since: grant.since,
    },
    at: clock.now(),
  });
  if (!planned.ok) return { state: "refused", reason: `not done: ${planned.reason}` };
  await store.markEffectSent(planned.id, clock.now());
  return carryOut(planned.id, call, dependencies);
}

/** Runs the tool for an effect that is marked as sent, writes the outcome down, and tells it where that is due. */
export async function carryOut(
  id: number,
  call: Pick<EffectCall, "tool" | "input" | "approvalId" | keyof CallOrigin> & {
    readonly check?: string | null;
  },
  dependencies: EffectDependencies,
): Promise<EffectEnd> {
  return dependencies.log.within({ effectId: id }, () => carryOutNow(id, call, dependencies));
}

async function carryOutNow(
  id: number,
  call: Parameters<typeof carryOut>[1],
  { store, clock, scrub, signal, log }: EffectDependencies,
): Promise<EffectEnd> {
  const { tool, input, approvalId, check = null } = call;
  const end = await contain(tool, call, { clock, scrub, signal }, (context) =>
    tool.definition.run(input, context),
  );
  const outcome = outcomeOf(end, scrub);
  const problem =
    outcome.state === "done" ? await verify(call, outcome.result, { clock, signal, scrub }) : null;
  const saved = problem === null ? outcome : { ...outcome, error: problem };
  const at = clock.now();
  const tell = outcomeFinding({ id, tool: tool.name, approvalId, check }, saved, at);
  await store.finishEffect(id, { ...saved, at, tell });
  logOutcome(tool.name, saved, log);
  return { id, ...saved };
}

function logOutcome(
  tool: string,
  { state, error }: Pick<Outcome, "state" | "error">,
  log: Log,
): void {
  const fields = { tool, ...(error !== null && { error }) };
  if (state === "unknown") log.error(fields, "nobody knows whether an effect was done");
  else if (error !== null)
    log.warn(fields, state === "done" ? "an effect is in doubt" : "an effect failed");
  else log.info(fields, "an effect is done");
}

function outcomeOf(end: ToolEnd, scrub: Scrub) {
  switch (end.kind) {
    case "returned":
      return { state: "done", result: plainData(end.result, scrub), error: null } as const;
    case "threw":
      return {
        state: end.certainlyNotDone ? "failed" : "unknown",
        result: null,
        error: end.error,
      } as const;
    case "gave-up":
      return { state: "unknown", result: null, error: end.error } as const;
  }
}

/** The tool's own post-condition: what was reported as done must be there. */
async function verify(
  call: Pick<EffectCall, "tool" | keyof CallOrigin>,
  result: unknown,
  { clock, signal, scrub }: Pick<EffectDependencies, "clock" | "signal" | "scrub">,
): Promise<string | null> {
  const { definition } = call.tool;
  if (!definition.verify) return null;
  const end = await contain(call.tool, call, { clock, scrub, signal }, async (context) =>
    definition.verify?.(result, context),
  );
  if (end.kind !== "returned") return `done, but it could not be verified: ${end.error}`;
  return typeof end.result === "string" && end.result ? scrub(`done, but: ${end.result}`) : null;
}

const largestResult = 64 * 1024;

/** Whether {@link plainData} has kept only the beginning. */
export const wasCut = (kept: unknown): boolean =>
  typeof kept === "object" && kept !== null && Object.keys(kept).join() === "cut";

/** As JSON, without secrets, small enough for the journal. */
export function plainData(value: unknown, scrub: Scrub): unknown {
  try {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) return null;
    if (json.length <= largestResult) return scrubData(JSON.parse(json) as unknown, scrub);
    return { cut: `${scrub(json).slice(0, largestResult)}…` };
  } catch (error) {
    return { unreadable: describeError(error) };
  }
}
