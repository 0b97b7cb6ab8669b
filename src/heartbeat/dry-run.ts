import pLimit from "p-limit";
import { ruleVerdict, route } from "../domain/attention.ts";
import type { Clock } from "../domain/clock.ts";
import { diffLook } from "../domain/diff.ts";
import type { FindingState, Severity } from "../domain/finding.ts";
import type { AttentionSettings } from "../notify/compose.ts";
import type { LoadedCheck } from "../skills/load.ts";
import type { StoreReader } from "../store/port.ts";
import { lookOnce } from "./look.ts";

/** Looks and compares as a beat would, and says what would follow; saves nothing, asks no model. */

export interface DryFinding {
  readonly check: string;
  readonly key: string;
  readonly state: FindingState;
  readonly severity: Severity;
  readonly title: string;
  readonly wouldBe: "told at once" | "in the digest" | "kept in the log";
  readonly why: string;
}

export interface DryLook {
  readonly name: string;
  readonly outcome: "ok" | "failed" | "timeout";
  readonly durationMs: number;
  readonly error: string | null;
  readonly notes: readonly string[];
  readonly findings: readonly DryFinding[];
}

export async function dryRun(
  checks: readonly LoadedCheck[],
  {
    store,
    clock,
    attention,
  }: {
    /** Undefined when nothing was ever saved: everything is new. */
    readonly store: StoreReader | undefined;
    readonly clock: Clock;
    readonly attention: AttentionSettings;
  },
): Promise<DryLook[]> {
  const limit = pLimit(16);
  return Promise.all(checks.map((check) => limit(() => dryLook(check))));

  async function dryLook(check: LoadedCheck): Promise<DryLook> {
    const cursor = (await store?.checkCursor(check.name)) ?? null;
    const end = await lookOnce(check, cursor, {
      clock,
      stopping: new AbortController().signal,
      hanging: new Set(),
    });
    const nothing = { name: check.name, notes: [], findings: [] };
    if (end.outcome === "aborted") {
      return { ...nothing, outcome: "failed", durationMs: 0, error: "stopped" };
    }
    const { durationMs } = end;
    if (end.outcome !== "ok") return { ...nothing, outcome: end.outcome, durationMs, error: end.error };
    const { accepted } = end;
    const known = (await store?.knownObservations(check.name)) ?? [];
    const now = clock.now();
    const changes = diffLook(new Map(known.map((row) => [row.key, row])), accepted, now);
    const before = await findingsBehind(known.map(({ findingId }) => findingId));
    const findings = changes.flatMap((change): DryFinding[] => {
      // What is over by itself is nobody's news.
      if (change.kind === "resolved" && change.because === "closed") return [];
      const past = change.kind === "opened" ? undefined : before.get(change.known.findingId);
      const seen = change.kind === "resolved" ? past : change.observation;
      if (!seen) return [];
      const key = change.kind === "resolved" ? change.known.key : change.observation.key;
      return [{ check: check.name, key, ...foretell(change.kind, seen, past?.toldRevision ?? 0, now) }];
    });
    return { name: check.name, outcome: "ok", durationMs, error: null, notes: accepted.notes, findings };
  }

  async function findingsBehind(ids: readonly number[]) {
    const findings = ids.length > 0 ? await store?.getFindings(ids) : [];
    return new Map((findings ?? []).map((finding) => [finding.id, finding]));
  }

  function foretell(
    state: FindingState,
    { severity, title }: { readonly severity: Severity; readonly title: string },
    toldRevision: number,
    now: number,
  ) {
    const { verdict } = ruleVerdict({ severity, state, toldRevision });
    const way = route({ ...attention, verdict, severity, now, interruptionsToday: 0 });
    const wouldBe = { now: "told at once", digest: "in the digest", log: "kept in the log" } as const;
    return { state, severity, title, wouldBe: wouldBe[way.kind], why: way.why };
  }
}
