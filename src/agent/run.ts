import { floorVerdict, ruleVerdict } from "../domain/attention.ts";
import { describeError } from "../domain/errors.ts";
import type { Finding } from "../domain/finding.ts";
import { ownersWord, untold, type OwnersWord } from "../domain/telling.ts";
import { composeTelling, type JudgedFinding } from "../notify/compose.ts";
import type { RunOutcome, RunRecord, StepRecord } from "../store/port.ts";
import { capFinding, limitFinding, stopFinding } from "./budget-findings.ts";
import { converse, type ConversationDependencies, type ConversationEnd } from "./conversation.ts";
import { openLedger, type Budget, type Refusal, type RunLedger } from "./ledger.ts";
import { resumptionOf, type Resumption } from "./resumption.ts";

/** One agent conversation over the findings at hand, from the first request to verdicts in the store. */

export interface RunDependencies extends ConversationDependencies {
  readonly budget: Budget;
  /** Holds whoever else tells the owner something until the work is done. */
  readonly telling: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Aborted when the daemon stops and the run has not ended in time. */
  readonly signal: AbortSignal;
}

/** The account of a run. */
export interface RunSummary {
  readonly id: number;
  readonly outcome: RunOutcome;
  readonly error: string | null;
  readonly judged: readonly JudgedFinding[];
  /** The cap that left no room for its next call. */
  readonly refusal?: Refusal;
}

export async function runAgent(
  findings: readonly Finding[],
  beatId: number | null,
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, clock, model, prompt } = dependencies;
  const id = await store.beginRun({
    beatId,
    at: clock.now(),
    model: model.name,
    promptVersion: prompt.version,
    readUntrusted: findings.some(({ trust }) => trust === "untrusted"),
    findings: findings.map(({ id: findingId, revision }) => ({ id: findingId, revision })),
  });
  const { log } = dependencies;
  return log.within({ runId: id, ...(beatId !== null && { beatId }) }, () => {
    log.info({ findings: findings.length }, "a run begins");
    return carryThrough(id, findings, null, dependencies);
  });
}

/**
 * Goes on with a run whose process was killed, from its last complete step.
 * @param findings those of the run, in the revision that it was over
 */
export async function resumeAgent(
  run: RunRecord & { readonly steps: readonly StepRecord[] },
  findings: readonly Finding[],
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, tools, log } = dependencies;
  const resumption = await resumptionOf(run, { store, tools });
  if (!resumption.ok) {
    return giveUp(run.id, `it cannot be gone on with: ${resumption.problem}`, dependencies);
  }
  const { id, beatId } = run;
  return log.within({ runId: id, ...(beatId !== null && { beatId }) }, () => {
    log.info({ findings: findings.length }, "a run is gone on with");
    return carryThrough(run.id, findings, resumption, dependencies);
  });
}

async function giveUp(
  id: number,
  error: string,
  { store, clock }: RunDependencies,
): Promise<RunSummary> {
  // The findings stay pending: the next run, or the next daemon, takes them.
  const outcome = "interrupted";
  const nothing = { summary: null, verdicts: [], notifications: [] };
  await store.finishRun(id, { at: clock.now(), outcome, error, ...nothing });
  return { id, outcome, error, judged: [] };
}

async function carryThrough(
  id: number,
  findings: readonly Finding[],
  from: Resumption | null,
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, log } = dependencies;
  const ledger = openLedger(id, dependencies);
  let end: ConversationEnd;
  try {
    const earlier = await store.effectsOfGivenUpRuns(findings.map((finding) => finding.id));
    end = await converse({ runId: id, findings, earlier }, from, ledger, dependencies);
  } catch (error) {
    log.error({ error: describeError(error) }, "run failed");
    end = { outcome: "failed", error: describeError(error), report: null, readUntrusted: true };
  }
  if (end.outcome === "interrupted") return giveUp(id, end.error ?? "", dependencies);
  return dependencies.telling(async () => {
    // First: a process that is killed in between has rather told it than not.
    await tellBudget(end, ledger, dependencies);
    return conclude(id, findings, end, dependencies);
  });
}

/** What the owner must know of this run's money and limits, as findings of the watch's own. */
async function tellBudget(
  { limit, refusal }: ConversationEnd,
  ledger: RunLedger,
  { store, clock, budget }: RunDependencies,
): Promise<void> {
  const at = clock.now();
  const findings = [
    ...ledger.stopped.map(stopFinding),
    ...(limit ? [limitFinding(limit, budget, at)] : []),
    ...(refusal ? [capFinding(refusal, budget, at) ?? []] : []),
  ].flat();
  for (const finding of findings) await store.setOwnFinding(finding);
}

/** Saves the verdicts, and tells what the rules have not told while the run went on. */
async function conclude(
  id: number,
  findings: readonly Finding[],
  end: ConversationEnd,
  { store, clock, attention, interruptionsToday }: RunDependencies,
): Promise<RunSummary> {
  const latest = await store.getFindings(findings.map((finding) => finding.id));
  const now = new Map(latest.map((finding) => [finding.id, finding]));
  const at = clock.now();
  const histories = await store.tellingHistories([...now.keys()], at);
  const judged = judge(
    findings.flatMap((finding) => {
      const { handledRevision, toldRevision } = now.get(finding.id) ?? finding;
      // The owner has acknowledged or snoozed it meanwhile: that word stands.
      return handledRevision >= finding.revision ? [] : { ...finding, toldRevision };
    }),
    end,
    (finding) => ownersWord(finding, histories.get(finding.id) ?? untold(finding.id), at),
  );
  const telling = composeTelling(judged, {
    now: at,
    settings: attention,
    interruptionsToday: await interruptionsToday(),
    histories,
    caveat: caveatOf(end),
  });
  const { outcome, error } = end;
  const summary = end.report?.summary ?? null;
  await store.finishRun(id, { at, outcome, error, summary, ...telling });
  return { id, outcome, error, judged, ...(end.refusal ? { refusal: end.refusal } : {}) };
}

/** The model's verdicts within the floor; the rules for what it did not judge. */
function judge(
  findings: readonly Finding[],
  end: ConversationEnd,
  wordOn: (finding: Finding) => OwnersWord,
): JudgedFinding[] {
  return findings.map((finding) => {
    const word = wordOn(finding);
    const reported = end.report?.verdicts.get(finding.id);
    if (!reported) {
      const rule = ruleVerdict(finding, word);
      return { finding, verdict: rule.verdict, decidedBy: "rules", why: rule.why, message: null };
    }
    const floored = floorVerdict(
      reported.verdict,
      { ...finding, runReadUntrusted: end.readUntrusted },
      word,
    );
    const why = floored.raised ? floored.why : `the model's verdict was ${reported.verdict}`;
    const decidedBy = floored.raised ? "rules" : "model";
    return { finding, verdict: floored.verdict, decidedBy, why, message: reported.message };
  });
}

function caveatOf(end: ConversationEnd): string | null {
  if (end.outcome === "ok") return null;
  return end.report
    ? "The model's report was not whole; the rules decided the rest."
    : `No model looked at this: ${end.error ?? "it failed"}. The rules decided.`;
}
