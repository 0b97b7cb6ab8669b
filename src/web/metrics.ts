import { Counter, Gauge, Registry } from "prom-client";
import { findingStates, severities } from "../domain/finding.ts";
import type { StoreReader } from "../store/port.ts";

/**
 * `/metrics` in the Prometheus text format. Every number is taken from the store, so that a restart
 * forgets nothing. Labels are our own words, the models' and the channels' names: nothing that somebody wrote.
 */

export interface Exposition {
  readonly type: string;
  readonly text: string;
}

export async function exposeMetrics(store: StoreReader, version: string): Promise<Exposition> {
  const [totals, status, lastCompletedAt] = await Promise.all([
    store.totals(),
    store.status(),
    store.lastCompletedBeatAt(),
  ]);
  const registry = new Registry();
  const { counter, gauge } = metricsOf(registry);

  gauge("info", "The version that runs.", [[{ version }, 1]]);
  const { found, ...beats } = totals.beats;
  counter(
    "beats_total",
    "Beats that ended.",
    Object.entries(beats).map(([outcome, count]) => [{ outcome }, count]),
  );
  counter("beats_found_total", "Completed beats that found something.", [[{}, found]]);
  if (lastCompletedAt !== null) {
    gauge("last_beat_timestamp_seconds", "When the last beat completed.", [
      [{}, lastCompletedAt / 1_000],
    ]);
  }
  const enabled = status.checks.filter((check) => check.enabled);
  gauge(
    "checks",
    "Checks by how they are.",
    (["ok", "failing", "blind"] as const).map((state) => [
      { status: state },
      enabled.filter((check) => check.status === state).length,
    ]),
  );
  gauge("skills_off", "Skills that cannot be used.", [[{}, status.daemon?.skillsOff.length ?? 0]]);
  counter(
    "finding_events_total",
    "Findings that were opened, changed or resolved.",
    findingStates.flatMap((state) =>
      severities.map((severity): Sample => [
        { state, severity },
        countOf(totals.findingEvents, { state, severity }),
      ]),
    ),
  );
  gauge(
    "findings_open",
    "Findings that are not resolved.",
    severities.map((severity) => [{ severity }, countOf(totals.openFindings, { severity })]),
  );
  counter(
    "runs_total",
    "Runs that ended.",
    runOutcomes.map((outcome) => [{ outcome }, countOf(totals.runs, { outcome })]),
  );
  counter(
    "model_calls_total",
    "Model calls that were settled.",
    totals.spend.map(({ model, calls }) => [{ model }, calls]),
  );
  counter(
    "tokens_total",
    "Tokens of settled model calls.",
    totals.spend.flatMap(({ model, inputTokens, outputTokens, cachedTokens }) => [
      [{ model, kind: "input" }, inputTokens],
      [{ model, kind: "output" }, outputTokens],
      [{ model, kind: "cached" }, cachedTokens],
    ]),
  );
  counter(
    "cost_usd_total",
    "US dollars of settled model calls.",
    totals.spend.map(({ model, costUsd }) => [{ model }, costUsd]),
  );
  gauge(
    "effects",
    "Uses of tools that do something.",
    totals.effects.map(({ count, ...by }) => [by, count]),
  );
  gauge(
    "approvals",
    "Calls that were put to the owner.",
    approvalStatuses.map((status) => [{ status }, countOf(totals.approvals, { status })]),
  );
  const channels = status.channels.map(({ name }) => name);
  counter(
    "deliveries_total",
    "Deliveries that ended.",
    channels.flatMap((channel) =>
      deliveryEnds.map((state): Sample => [
        { channel, state },
        countOf(totals.deliveries, { channel, state }),
      ]),
    ),
  );
  gauge(
    "deliveries_waiting",
    "Deliveries that are still tried.",
    status.channels.map(({ name, waiting }) => [{ channel: name }, waiting]),
  );
  gauge("channels_failing", "Channels whose last delivery failed.", [
    [{}, status.channels.filter(({ failingSince }) => failingSince !== null).length],
  ]);
  gauge("notifications_undelivered", "Notifications that no channel has taken yet.", [
    [{}, status.undelivered],
  ]);
  return { type: registry.contentType, text: await registry.metrics() };
}

const runOutcomes = ["ok", "incomplete", "failed", "interrupted", "over-budget"] as const;
const deliveryEnds = ["sent", "unknown", "given-up", "handed-on"] as const;
const approvalStatuses = ["pending", "approved", "denied", "expired"] as const;

/** What has not happened yet is nought and not absent: a rate needs where it began. */
function countOf<Row extends { readonly count: number }>(
  rows: readonly Row[],
  by: Partial<Row>,
): number {
  const wanted = Object.entries(by);
  const row = rows.find((each) => wanted.every(([key, value]) => each[key as keyof Row] === value));
  return row?.count ?? 0;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A registry of its own for each scrape: nothing global, nothing of the process. */
function metricsOf(registry: Registry) {
  const configuration = (name: string, help: string, samples: readonly Sample[]) => ({
    name: `watchkeeper_${name}`,
    help,
    labelNames: [...new Set(samples.flatMap(([labels]) => Object.keys(labels)))],
    registers: [registry],
  });
  return {
    counter: (name: string, help: string, samples: readonly Sample[]): void => {
      if (samples.length === 0) return;
      const metric = new Counter(configuration(name, help, samples));
      for (const [labels, value] of samples) metric.inc(labels, value);
    },
    gauge: (name: string, help: string, samples: readonly Sample[]): void => {
      if (samples.length === 0) return;
      const metric = new Gauge(configuration(name, help, samples));
      for (const [labels, value] of samples) metric.set(labels, value);
    },
  };
}
