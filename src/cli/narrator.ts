import type { DaemonObserver } from "../daemon.ts";
import type { RunSummary } from "../agent/run.ts";
import { formatDuration } from "../domain/duration.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { BeatSummary } from "../heartbeat/beat.ts";
import type { JudgedFinding } from "../notify/compose.ts";
import type { Terminal } from "./context.ts";
import { cutTo, plural, severityStyle, type Painter } from "./text.ts";

/** Tells a person at the terminal what the watch does: beats with news, and what was decided and why. */
export function createNarrator(out: Terminal, paint: Painter, timezone: string): DaemonObserver {
  const mostLines = 30;
  const time = (at: number) => formatTimeOfDay(at, timezone);
  const say = (lines: readonly string[]) => out.write(`${lines.join("\n")}\n`);
  const cut = (text: string) => cutTo(text, Math.max(40, out.columns - 9));

  function decided(judged: readonly JudgedFinding[], by: string): void {
    const loudest = { notify: 0, digest: 1, ignore: 2 } as const;
    const lines = judged
      .toSorted((a, b) => loudest[a.verdict] - loudest[b.verdict])
      .map(({ finding, verdict, why }) => {
        const label = { notify: "tell now", digest: "digest  ", ignore: "log only" }[verdict];
        return `         ${paint("bold", label)} #${finding.id} ${cutTo(finding.title, 44)} (${cutTo(why, 60)})`;
      });
    say([`         ${by}:`, ...shorten(lines, mostLines)]);
  }

  return {
    beat(summary: BeatSummary) {
      const news = summary.events.filter((event) => event.news);
      const failed = summary.checks.filter(({ outcome }) => outcome === "failed" || outcome === "timeout");
      if (news.length === 0 && failed.length === 0 && summary.error === null) return;
      const took = formatDuration(summary.finishedAt - summary.startedAt);
      say([
        "",
        `${time(summary.startedAt)}    beat ${summary.id}: ${plural(news.length, "finding")} from ${plural(summary.checks.length, "check")} in ${took}`,
        ...shorten(
          news.map(({ findingId, severity, state, check, title }) => {
            const head = `#${findingId} ${paint(severityStyle[severity], severity)} ${state}`;
            return `         ${head} ${check}: ${cutTo(title, 60)}`;
          }),
          mostLines,
        ),
        ...failed.map(({ name, error }) => `         ${paint("red", "failed")} ${name}: ${cut(error ?? "")}`),
        ...summary.checks.flatMap(({ name, notes = [] }) =>
          notes.map((note) => `         ${paint("dim", cut(`${name}: ${note}`))}`),
        ),
        ...(summary.error ? [`         ${paint("red", cut(summary.error))}`] : []),
      ]);
    },
    ran(run: RunSummary) {
      const error = run.error ? ` (${cut(run.error)})` : "";
      decided(run.judged, `run ${run.id} ended ${run.outcome}${error}`);
    },
    ruled(judged, reason) {
      decided(judged, `decided by the rules (${reason})`);
    },
  };
}

function shorten(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `         … and ${lines.length - most} more`];
}
