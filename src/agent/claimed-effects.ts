import type { EffectRecord, StoreReader } from "../store/port.ts";
import type { Report } from "./report.ts";

/**
 * A verdict may rest on what the run has done. What it names must stand in the journal as done by this very
 * run, and not be taken back since: else the verdict does not count.
 * @returns the report without such verdicts, and with what is wrong
 */
export async function checkClaims(
  report: Report,
  runId: number,
  store: Pick<StoreReader, "getEffect">,
): Promise<Report> {
  const problems: string[] = [];
  const verdicts = new Map(report.verdicts);
  for (const [findingId, { effects }] of report.verdicts) {
    for (const claimed of effects) {
      const problem = whyNotDone(claimed, await effectOf(claimed, store), runId);
      if (problem === undefined) continue;
      problems.push(`finding ${findingId}: ${problem}`);
      verdicts.delete(findingId);
    }
  }
  return problems.length === 0
    ? report
    : { ...report, verdicts, problems: [...report.problems, ...problems] };
}

async function effectOf(claimed: string, store: Pick<StoreReader, "getEffect">) {
  const id = Number(claimed);
  return Number.isSafeInteger(id) && id > 0 ? store.getEffect(id) : undefined;
}

function whyNotDone(
  claimed: string,
  effect: EffectRecord | undefined,
  runId: number,
): string | undefined {
  if (effect?.runId !== runId) return `this run has caused no effect "${claimed}"`;
  if (effect.undoneAt !== null) return `effect ${effect.id} was taken back`;
  if (effect.state !== "done") return `effect ${effect.id} is ${effect.state}, not done`;
  // Done, but its own check says that it is not there.
  return effect.error === null ? undefined : `effect ${effect.id} is not as it should be`;
}
