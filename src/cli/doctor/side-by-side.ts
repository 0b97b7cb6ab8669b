import pLimit from "p-limit";
import type { Clock } from "../../domain/clock.ts";
import { formatDuration } from "../../domain/duration.ts";
import { describeError } from "../../domain/errors.ts";
import { linkedAbort } from "../../domain/linked-abort.ts";
import type { Scrub } from "../../domain/scrub.ts";
import { fail, usualPatienceMs, type Diagnosis, type Part } from "./diagnosis.ts";

/** Who is told while others are still waited for. */
export interface Progress {
  /** @param waitingFor the names of the parts that are being looked at */
  tell(state: { done: number; all: number; waitingFor: readonly string[] }): void;
  end(): void;
}

const mostAtOnce = 8;

/**
 * Looks at all parts side by side, a few at a time and each with its own patience. One that fails or hangs
 * says so in its place, and the others go on.
 * @returns in the order of the parts
 */
export async function lookSideBySide(
  parts: readonly Part[],
  {
    clock,
    scrub,
    progress,
  }: { readonly clock: Clock; readonly scrub: Scrub; readonly progress: Progress },
): Promise<Diagnosis[]> {
  const limit = pLimit(mostAtOnce);
  const waitingFor = new Set<string>();
  let done = 0;
  const tell = () => progress.tell({ done, all: parts.length, waitingFor: [...waitingFor] });
  const found = await Promise.all(
    parts.map((part) =>
      limit(async () => {
        waitingFor.add(part.name);
        tell();
        const diagnoses = await lookInTime(part, clock, scrub);
        waitingFor.delete(part.name);
        done += 1;
        tell();
        return diagnoses;
      }),
    ),
  );
  progress.end();
  return found.flat();
}

async function lookInTime(
  { name, patienceMs = usualPatienceMs, look }: Part,
  clock: Clock,
  scrub: Scrub,
): Promise<readonly Diagnosis[]> {
  using looking = linkedAbort();
  using timer = linkedAbort();
  const looked = Promise.try(look, looking.signal).catch((error: unknown) => [
    fail(name, describeError(error, scrub)),
  ]);
  const late = clock.sleep(patienceMs, timer.signal).then(() => {
    looking.abort();
    const message = `did not end within ${formatDuration(patienceMs)}; see whether what it asks answers`;
    return [fail(name, message)];
  });
  const found = await Promise.race([looked, late]);
  timer.abort();
  return found;
}
