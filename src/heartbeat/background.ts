import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { LoadedSkill } from "../skills/load.ts";
import type { Log } from "../telemetry/log.ts";

/** Skills' work beside the checks, such as connections that hear of news: begun again when it breaks. */

const firstWaitMs = 5_000;
const longestWaitMs = 10 * 60_000;
/** How long work may take to end once the daemon stops. */
const graceMs = 3_000;
/** Work that went well for so long may be begun again soon. */
const longEnoughMs = 10 * 60_000;

export interface BackgroundDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the daemon stops. */
  readonly stopping: AbortSignal;
}

/** Resolves when all of it has ended, at the latest a moment after `stopping` was aborted. Never rejects. */
export async function keepBackground(
  skills: readonly Pick<LoadedSkill, "name" | "background">[],
  dependencies: BackgroundDependencies,
): Promise<void> {
  await Promise.all(
    skills.flatMap(({ name, background }) =>
      background ? keepOne(name, background, dependencies) : [],
    ),
  );
}

async function keepOne(
  skill: string,
  work: (signal: AbortSignal) => Promise<void>,
  dependencies: BackgroundDependencies,
): Promise<void> {
  const { clock, log, stopping } = dependencies;
  let waitMs = firstWaitMs;
  while (!stopping.aborted) {
    const startedAt = clock.now();
    try {
      await untilStopped(skill, work(stopping), dependencies);
      return;
    } catch (error) {
      if (stopping.aborted) return;
      log.warn({ skill, error: describeError(error) }, "background work broke; it is begun again");
    }
    if (clock.now() - startedAt >= longEnoughMs) waitMs = firstWaitMs;
    await clock.sleep(waitMs, stopping);
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
}

/** A skill that does not listen must not keep the daemon from stopping. */
async function untilStopped(
  skill: string,
  working: Promise<void>,
  { clock, log, stopping }: BackgroundDependencies,
): Promise<void> {
  using over = linkedAbort();
  const stopped = Promise.withResolvers<void>();
  if (stopping.aborted) stopped.resolve();
  stopping.addEventListener("abort", () => stopped.resolve(), { once: true, signal: over.signal });
  const late = stopped.promise
    .then(() => clock.sleep(graceMs, over.signal))
    .then(() => "late" as const);
  try {
    const end = await Promise.race([working, late]);
    if (end === "late") log.warn({ skill }, "background work does not end; it is left behind");
  } finally {
    over.abort();
  }
}
