import pLimit from "p-limit";
import { ruleVerdict, route } from "../domain/attention.ts";
import type { Clock } from "../domain/clock.ts";
import { changeIsNews, diffLook, endIsNews, noNews, type Change } from "../domain/diff.ts";
import type { Finding, FindingState, Severity, Trust } from "../domain/finding.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { AttentionSettings } from "../notify/attention-settings.ts";
import type { LoadedCheck, LoadedTool } from "../skills/load.ts";
import type { AcceptedLook } from "../skills/observations.ts";
import type { StoreReader } from "../store/port.ts";
import { lookOnce } from "./look.ts";

/** Looks and compares as a beat would, and says what would follow; saves nothing, asks no model. */

export interface DryFinding {
  readonly check: string;
  readonly key: string;
  readonly state: FindingState;
  readonly severity: Severity;
  readonly trust: Trust;
  readonly title: string;
  readonly text: string | null;
  readonly wouldBe: "told at once" | "in the digest" | "kept in the log";
  readonly why: string;
  /** Whether a run would be shown it. */
  readonly news: boolean;
}

export interface DryLook {
  readonly name: string;
  readonly outcome: "ok" | "failed" | "timeout";
  readonly durationMs: number;
  readonly error: string | null;
  readonly notes: readonly string[];
  readonly findings: readonly DryFinding[];
  /** What the look saw; null when it failed. */
  readonly accepted: AcceptedLook | null;
}

export async function dryRun(
  checks: readonly LoadedCheck[],
  {
    store,
    clock,
    attention,
    scrub,
    tools,
    cursors,
    stopping = new AbortController().signal,
  }: {
    /** Undefined when nothing was ever saved: everything is new. */
    readonly store: StoreReader | undefined;
    readonly clock: Clock;
    readonly attention: AttentionSettings;
    readonly scrub: Scrub;
    readonly tools: ReadonlyMap<string, LoadedTool>;
    /** Used in the place of the saved ones, by the check's name. */
    readonly cursors?: ReadonlyMap<string, unknown>;
    /** Ends the looks at once. */
    readonly stopping?: AbortSignal;
  },
): Promise<DryLook[]> {
  const limit = pLimit(16);
  return Promise.all(checks.map((check) => limit(() => dryLook(check))));

  async function dryLook(check: LoadedCheck): Promise<DryLook> {
    const cursor = cursors?.has(check.name)
      ? cursors.get(check.name)
      : ((await store?.checkCursor(check.name)) ?? null);
    const end = await lookOnce(check, cursor, {
      clock,
      stopping,
      hanging: new Set(),
      scrub,
      tools,
      store,
    });
    const nothing = { name: check.name, notes: [], findings: [], accepted: null };
    if (end.outcome === "aborted") {
      return { ...nothing, outcome: "failed", durationMs: 0, error: "stopped" };
    }
    const { durationMs } = end;
    if (end.outcome !== "ok")
      return { ...nothing, outcome: end.outcome, durationMs, error: end.error };
    const { accepted } = end;
    const known = (await store?.knownObservations(check.name)) ?? [];
    const now = clock.now();
    const changes = diffLook(new Map(known.map((row) => [row.key, row])), accepted, now);
    const before = await findingsBehind(changes);
    const findings = changes.flatMap((change): DryFinding[] => {
      // What is over by itself is nobody's news.
      if (change.kind === "rescheduled") return [];
      if (change.kind === "resolved" && change.because === "closed") return [];
      const past = change.kind === "opened" ? undefined : before.get(change.known.findingId);
      const seen = change.kind === "resolved" ? past : change.observation;
      if (!seen) return [];
      const key = change.kind === "resolved" ? change.known.key : change.observation.key;
      const { severity, trust, title, text } = seen;
      const news = !isQuiet(change, past);
      const told = news ? foretell(change.kind, severity, past, now) : quiet;
      const what = { check: check.name, key, state: change.kind, severity, trust, title, text };
      return [{ ...what, ...told, news }];
    });
    return {
      name: check.name,
      outcome: "ok",
      durationMs,
      error: null,
      notes: accepted.notes,
      findings,
      accepted,
    };
  }

  async function findingsBehind(changes: readonly Change[]) {
    const ids = changes.flatMap((change) =>
      change.kind === "opened" ? [] : change.known.findingId,
    );
    const findings = ids.length > 0 ? await store?.getFindings(ids) : [];
    return new Map((findings ?? []).map((finding) => [finding.id, finding]));
  }

  function foretell(
    state: FindingState,
    severity: Severity,
    past: Finding | undefined,
    now: number,
  ): Foretold {
    const { verdict, why } = ruleVerdict({
      severity,
      state,
      toldRevision: past?.toldRevision ?? 0,
    });
    const way = route({ ...attention, verdict, severity, now, interruptionsToday: 0 });
    const wouldBe = {
      now: "told at once",
      digest: "in the digest",
      log: "kept in the log",
    } as const;
    const toldThatOver = state === "resolved" && way.kind === "now";
    return { wouldBe: wouldBe[way.kind], why: toldThatOver ? why : way.why };
  }
}

type Foretold = Pick<DryFinding, "wouldBe" | "why">;

const quiet: Foretold = { wouldBe: "kept in the log", why: noNews };

function isQuiet(
  change: Exclude<Change, { kind: "rescheduled" }>,
  past: Finding | undefined,
): boolean {
  if (change.kind === "opened" || !past) return false;
  return change.kind === "changed"
    ? !changeIsNews(past, change.observation.severity)
    : !endIsNews(past, change.because);
}
