import type { DaemonObserver } from "../daemon.ts";
import type { RunSummary } from "../agent/run.ts";
import { formatDuration } from "../domain/duration.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { BeatSummary } from "../heartbeat/beat.ts";
import type { JudgedFinding } from "../notify/compose.ts";
import type { Terminal } from "./context.ts";
import {
  cutTo,
  idRanges,
  paintState,
  plural,
  quoted,
  verdictWords,
  wrap,
  type Painter,
} from "./text.ts";

const mostLines = 30;
const indent = " ".repeat(9);
const loudness = { notify: 0, digest: 1, ignore: 2 } as const;

/** Tells a person at the terminal what the watch does: beats with news, and what was decided and why. */
export function createNarrator(out: Terminal, paint: Painter, timezone: string): DaemonObserver {
  const time = (at: number) => formatTimeOfDay(at, timezone);
  const say = (lines: readonly string[]) => out.write(`${lines.join("\n")}\n`);
  const fit = (text: string) => cutTo(indent + text, out.columns);

  function decided(judged: readonly JudgedFinding[], by: string): void {
    // Findings of one fate share a line: their titles stand under the beat already.
    const groups = Map.groupBy(
      judged.toSorted((a, b) => loudness[a.verdict] - loudness[b.verdict]),
      ({ verdict, why }) => `${verdict} ${why}`,
    );
    const lines = [...groups.values()].flatMap((group) => {
      const [first] = group;
      if (!first) return [];
      const label = verdictWords[first.verdict];
      const ids = idRanges(group.map(({ finding }) => finding.id));
      const text = wrap(
        `${indent}  ${label}: ${ids} (${quoted(first.why)})`,
        out.columns,
        `${indent}    `,
      );
      return text.replace(label, paint("bold", label));
    });
    const end = lines.length > 0 ? ":" : "";
    say([wrap(`${indent}${by}${end}`, out.columns, indent), ...shorten(lines)]);
  }

  return {
    beat(summary: BeatSummary) {
      const news = summary.events.filter((event) => event.news);
      const failed = summary.checks.filter(
        ({ outcome }) => outcome === "failed" || outcome === "timeout",
      );
      if (news.length === 0 && failed.length === 0 && summary.error === null) return;
      const took = formatDuration(summary.finishedAt - summary.startedAt);
      const notes = summary.checks.flatMap(({ name, notes: own = [] }) =>
        own.map((note) => paint("dim", fit(`${name}: ${quoted(note)}`))),
      );
      say([
        "",
        `${time(summary.startedAt)}    beat ${summary.id}: ${plural(news.length, "finding")} from ${plural(summary.checks.length, "check")} in ${took}`,
        ...shorten(
          news
            .toSorted((a, b) => a.findingId - b.findingId)
            .map(({ findingId, severity, state, check, title }) =>
              paintState(
                fit(`#${findingId} ${severity} ${state} ${check}: ${quoted(title)}`),
                { severity, state },
                paint,
              ),
            ),
        ),
        ...shorten(
          failed.map(({ name, outcome, error }) =>
            wrap(
              `${indent}${outcome} ${name}: ${quoted(error ?? "")}`,
              out.columns,
              `${indent}  `,
            ).replace(outcome, paint("red", outcome)),
          ),
        ),
        ...shorten(notes),
        ...(summary.error ? [paint("red", fit(quoted(summary.error)))] : []),
      ]);
    },
    ran(run: RunSummary) {
      const error = run.error ? ` (${quoted(run.error)})` : "";
      decided(run.judged, `run ${run.id} ended ${run.outcome}${error}`);
    },
    ruled(judged, reason) {
      decided(judged, `the rules decided, because ${reason}`);
    },
  };
}

function shorten(lines: readonly string[]): string[] {
  if (lines.length <= mostLines) return [...lines];
  return [...lines.slice(0, mostLines), `${indent}… and ${lines.length - mostLines} more`];
}
