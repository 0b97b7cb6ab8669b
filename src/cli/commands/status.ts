import { formatDuration } from "../../domain/duration.ts";
import { isLocked } from "../../store/index.ts";
import { readStatusView, type StatusView } from "../../views/status.ts";
import { exit, readStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import {
  dollars,
  painterFor,
  plural,
  quoted,
  shortTime,
  table,
  wrap,
  type Painter,
} from "../text.ts";

export async function status(context: CommandContext): Promise<number> {
  const view = await readStatus(context);
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(renderStatus(view, context));
  if (!view.running) return exit.notRunning;
  return view.healthy ? exit.done : exit.notHealthy;
}

export async function readStatus(context: CommandContext): Promise<StatusView> {
  await using store = readStore(context);
  return await readStatusView(store, {
    version: context.packageInfo.version,
    now: Date.now(),
    running: isLocked(context.stateDir),
    timezone: await ownersZone(store),
  });
}

function renderStatus(view: StatusView, { out, environment, stateDir }: CommandContext): string {
  const paint = painterFor(out, environment);
  const now = Date.now();
  const { timezone } = view;
  const time = (iso: string | null) =>
    shortTime(iso === null ? null : Date.parse(iso), now, timezone);
  const lines: string[] = [];
  const detailOf = (text: string) => wrap(quoted(text), out.columns, "  ");
  const detail = (text: string) => wrap(`  ${quoted(text)}`, out.columns, "    ");
  if (view.running) {
    const up = view.startedAt ? formatDuration(now - Date.parse(view.startedAt)) : "?";
    const health = view.healthy ? paint("green", "healthy") : paint("red", "not healthy");
    lines.push(`watchkeeper ${view.version}, ${health}, up ${up} (pid ${view.pid ?? "?"})`);
    lines.push(`last beat ${time(view.beat.last)}, next ${time(view.beat.next)} (${timezone})`);
    if (view.web?.url) lines.push(detailOf(`the page is at ${view.web.url}/`));
    else if (view.web?.off) lines.push(detailOf(`the page is off: ${view.web.off}`));
    for (const problem of view.problems) lines.push(paint("red", detail(`! ${problem}`)));
  } else {
    lines.push(`watchkeeper ${view.version}: ${paint("red", "the daemon is not running")}`);
    lines.push(
      wrap(
        view.beat.last
          ? `its state is in ${stateDir}, its last beat was at ${time(view.beat.last)} (${timezone})`
          : `nothing has been saved in ${stateDir} yet; \`watchkeeper start\` begins`,
        out.columns,
        "  ",
      ),
    );
  }
  if (view.pause) {
    const { since, until, reason } = view.pause;
    const end = until === null ? "until `watchkeeper resume`" : `until ${time(until)}`;
    const text = detail(`paused since ${time(since)}, ${end}${reason ? `: ${reason}` : ""}`);
    lines.push(paint("yellow", text));
  }
  if (view.checks.length > 0) lines.push("", checkTable(view, paint, time, out.columns));
  const troubled = view.checks.filter(
    ({ lastError, status: state }) => lastError && state !== "ok",
  );
  if (troubled.length + view.skillsOff.length > 0) lines.push("");
  for (const { name, failingSince, lastError } of troubled) {
    lines.push(detail(`${name}, since ${time(failingSince)}: ${lastError ?? ""}`));
  }
  for (const { name, error } of view.skillsOff) lines.push(detail(`skill ${name}: ${error}`));
  const away = view.mcp.filter(({ state }) => state !== "ready");
  if (away.length > 0) lines.push("");
  for (const { name, state, since, error } of away) {
    const why = error ? `: ${error}` : "";
    lines.push(detail(`MCP server ${name}, ${state} since ${time(since)}${why}`));
  }
  const mute = view.channels.filter(
    ({ status: state, waiting }) => state === "failing" || waiting > 0,
  );
  if (mute.length > 0) lines.push("");
  for (const channel of mute) lines.push(detail(channelLine(channel, time)));
  lines.push("", countsOf(view, paint));
  const { todayUsd, todayTokens, monthUsd } = view.spend;
  lines.push(
    `spent ${dollars(todayUsd)} today (${plural(todayTokens, "token")}), ${dollars(monthUsd)} this month`,
  );
  return `${lines.join("\n")}\n`;
}

function channelLine(
  { name, status: state, failingSince, lastError, waiting }: StatusView["channels"][number],
  time: (iso: string | null) => string,
): string {
  const how = state === "failing" ? `, failing since ${time(failingSince)}` : "";
  const what = waiting > 0 ? `, ${plural(waiting, "message")} waiting` : "";
  const why = state === "failing" && lastError ? `: ${lastError}` : "";
  return `channel ${name}${how}${what}${why}`;
}

function countsOf(
  { openFindings, pendingApprovals, undelivered }: StatusView,
  paint: Painter,
): string {
  return [
    plural(openFindings, "open finding"),
    plural(pendingApprovals, "pending approval"),
    ...(undelivered > 0
      ? [paint("red", `${plural(undelivered, "message")} not delivered yet`)]
      : []),
  ].join(", ");
}

/** Without a daemon nothing is due. */
function nextOf(
  { status: state, nextDueAt }: StatusView["checks"][number],
  running: boolean,
  time: (iso: string | null) => string,
): string {
  if (!running || state === "off") return "-";
  return nextDueAt === null ? "now" : time(nextDueAt);
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
    paint(style[check.status], check.status),
    time(check.lastRunAt),
    nextOf(check, view.running, time),
    check.schedule,
  ]);
  return table(
    [
      { title: "check", width: "fill" },
      { title: "state" },
      { title: "last" },
      { title: "next" },
      { title: "schedule", atMost: 20 },
    ],
    rows,
    columns,
  );
}
