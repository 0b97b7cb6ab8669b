import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { LoadedSkill } from "../skills/load.ts";
import type { Log } from "../telemetry/log.ts";

/** Skills' work beside the checks, such as connections that hear of news: begun again when it breaks. */

const firstWaitMs = 5_000;
const longestWaitMs = 10 * 60_000;
/** Work that went well for so long may be begun again soon. */
const longEnoughMs = 10 * 60_000;

export interface BackgroundDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the daemon stops. */
  readonly stopping: AbortSignal;
}

/** Resolves when all of it has ended, after `stopping` was aborted. Never rejects. */
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
  { clock, log, stopping }: BackgroundDependencies,
): Promise<void> {
  let waitMs = firstWaitMs;
  while (!stopping.aborted) {
    const startedAt = clock.now();
    try {
      await work(stopping);
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
