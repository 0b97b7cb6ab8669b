import { formatDuration } from "../../domain/duration.ts";
import { startOf } from "../../domain/zoned-time.ts";
import { isLocked } from "../../store/index.ts";
import { statusView, type StatusView } from "../../views/status.ts";
import { exit, readStore, type CommandContext } from "../context.ts";
import { dollars, hostTimezone, painterFor, plural, shortTime, table, wrap, type Painter } from "../text.ts";

export async function status(context: CommandContext): Promise<number> {
  const view = await readStatus(context);
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(renderStatus(view, context));
  if (!view.running) return exit.notRunning;
  return view.healthy ? exit.done : exit.notHealthy;
}

export async function readStatus(context: CommandContext): Promise<StatusView> {
  const now = Date.now();
  const timezone = hostTimezone();
  const running = isLocked(context.stateDir);
  const nothing = { costUsd: 0, tokens: 0 };
  const { version } = context.packageInfo;
  await using store = readStore(context);
  if (!store) return statusView({ version, now, running, record: null, today: nothing, month: nothing });
  return statusView({
    version,
    now,
    running,
    record: await store.status(),
    today: await store.spendSince(startOf("day", now, timezone)),
    month: await store.spendSince(startOf("month", now, timezone)),
  });
}

function renderStatus(view: StatusView, { out, environment, stateDir }: CommandContext): string {
  const paint = painterFor(out, environment);
  const now = Date.now();
  const timezone = hostTimezone();
  const time = (iso: string | null) => shortTime(iso === null ? null : Date.parse(iso), now, timezone);
  const lines: string[] = [];
  if (view.running) {
    const up = view.startedAt ? formatDuration(now - Date.parse(view.startedAt)) : "?";
    const health = view.healthy ? paint("green", "healthy") : paint("red", "not healthy");
    lines.push(`watchkeeper ${view.version}, ${health}, up ${up} (pid ${view.pid ?? "?"})`);
    lines.push(`last beat ${time(view.beat.last)}, next ${time(view.beat.next)}, times in ${timezone}`);
  } else {
    lines.push(`watchkeeper ${view.version}: ${paint("red", "the daemon is not running")}`);
    lines.push(`state in ${stateDir}, last beat ${time(view.beat.last)}`);
  }
  if (view.running) {
    for (const problem of view.problems) lines.push(paint("red", `  ! ${problem}`));
  }
  if (view.checks.length > 0) lines.push("", checkTable(view, paint, time, out.columns));
  for (const check of view.checks) {
    if (check.lastError) lines.push(wrap(`  ${check.name}: ${check.lastError}`, out.columns, "    "));
  }
  for (const { name, error } of view.skillsOff) {
    lines.push(wrap(`  ${name} is off: ${error}`, out.columns, "    "));
  }
  lines.push(
    "",
    `${plural(view.openFindings, "open finding")}, ${plural(view.pendingApprovals, "pending approval")}` +
      (view.undelivered > 0 ? paint("red", `, ${view.undelivered} undelivered`) : ""),
    `spent ${dollars(view.spend.todayUsd)} today (${plural(view.spend.todayTokens, "token")}), ${dollars(view.spend.monthUsd)} this month`,
  );
  return `${lines.join("\n")}\n`;
}

function checkTable(
  view: StatusView,
  paint: Painter,
  time: (iso: string | null) => string,
  columns: number,
): string {
  const style = { ok: "green", failing: "yellow", blind: "red", off: "dim" } as const;
  const rows = view.checks.map((check) => [
    check.name,
    paint(style[check.status], check.status) +
      (check.failingSince ? ` since ${time(check.failingSince)}` : ""),
    time(check.lastRunAt),
    check.nextDueAt ? time(check.nextDueAt) : view.running && check.status !== "off" ? "now" : "-",
    check.schedule,
  ]);
  return table(
    [
      { title: "check", width: "fill" },
      { title: "state" },
      { title: "last" },
      { title: "next" },
      { title: "schedule" },
    ],
    rows,
    columns,
  );
}
