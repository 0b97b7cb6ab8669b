import { WatchkeeperError } from "../../domain/errors.ts";
import type { Finding, FindingStatus } from "../../domain/finding.ts";
import { requestWake } from "../../control.ts";
import { findingView } from "../../views/finding.ts";
import {
  exit,
  parseDurationOption,
  parseId,
  parseLimit,
  readExistingStore,
  writeStore,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { painterFor, severityStyle, shortTime, table, verdictWords, wrap } from "../text.ts";

export async function listFindings(
  context: CommandContext,
  options: { all?: true; limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  await using store = readExistingStore(context);
  const findings = await store.listFindings({ all: options.all ?? false, limit });
  if (context.json) context.out.write(`${JSON.stringify(findings.map(findingView), null, 2)}\n`);
  else if (findings.length === 0)
    context.out.write(options.all ? "Nothing was found yet.\n" : "Nothing is open.\n");
  else context.out.write(`${renderFindings(findings, context, await ownersZone(store))}\n`);
  return exit.done;
}

function renderFindings(
  findings: readonly Finding[],
  { out, environment }: CommandContext,
  zone: string,
): string {
  const paint = painterFor(out, environment);
  const now = Date.now();
  const rows = findings.map(({ id, severity, status, state, check, title, since, openedAt }) => [
    String(id),
    paint(severityStyle[severity], severity),
    status === "open" ? state : status,
    shortTime(since ?? openedAt, now, zone),
    check,
    title,
  ]);
  return table(
    [
      { title: "id", align: "right" },
      { title: "severity" },
      { title: "state" },
      { title: "since" },
      { title: "check", atMost: 24 },
      { title: "what", width: "fill" },
    ],
    rows,
    out.columns,
  );
}

export async function showFinding(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = readExistingStore(context);
  const [finding] = await store.getFindings([wanted]);
  if (!finding) throw unknownFinding(wanted);
  if (context.json) {
    context.out.write(`${JSON.stringify(findingView(finding), null, 2)}\n`);
    return exit.done;
  }
  const { columns } = context.out;
  const zone = await ownersZone(store);
  const when = (at: number | null) => shortTime(at, Date.now(), zone);
  const lines = [
    wrap(`#${finding.id} ${finding.title}`, columns, "  "),
    "",
    `${finding.severity}, found by ${finding.check}`,
    `since ${when(finding.since ?? finding.openedAt)}, ${finding.state} ${when(finding.resolvedAt ?? finding.changedAt)}${statusWords[finding.status]}`,
    finding.verdict
      ? `${verdictWords[finding.verdict]}, decided by the ${finding.decidedBy ?? "rules"}`
      : "not decided yet",
    ...(finding.text
      ? [
          "",
          ...(finding.trust === "untrusted" ? ["What it says, in words of others:"] : []),
          ...finding.text.split("\n").map((line) => wrap(`  ${line}`, columns, "  ")),
        ]
      : []),
  ];
  context.out.write(`${lines.join("\n")}\n`);
  return exit.done;
}

const statusWords: Record<FindingStatus, string> = {
  open: "",
  acked: ", acknowledged",
  snoozed: ", snoozed",
  resolved: "",
};

export async function ackFinding(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = await writeStore(context);
  const finding = await store.acknowledge(wanted, Date.now());
  return await decided(
    context,
    store,
    wanted,
    finding,
    "acknowledged; you hear of it again only when it gets worse",
  );
}

export async function snoozeFinding(
  context: CommandContext,
  id: string,
  options: { for: string },
): Promise<number> {
  const wanted = parseId(id);
  const ms = parseDurationOption(options.for);
  await using store = await writeStore(context);
  const until = Date.now() + ms;
  const finding = await store.snooze(wanted, until);
  return await decided(
    context,
    store,
    wanted,
    finding,
    `snoozed until ${shortTime(until, Date.now(), await ownersZone(store))}`,
  );
}

async function decided(
  context: CommandContext,
  store: { getFindings(ids: readonly number[]): Promise<Finding[]> },
  id: number,
  finding: Finding | undefined,
  what: string,
): Promise<number> {
  if (!finding) {
    const [known] = await store.getFindings([id]);
    if (!known) throw unknownFinding(id);
    throw new WatchkeeperError("FINDING_RESOLVED", `finding ${id} is over already`, {
      hint: "There is nothing left to do about it",
    });
  }
  await requestWake(context.stateDir);
  if (context.json) context.out.write(`${JSON.stringify(findingView(finding), null, 2)}\n`);
  else
    context.out.write(`${wrap(`#${id} ${finding.title}: ${what}.`, context.out.columns, "  ")}\n`);
  return exit.done;
}

const unknownFinding = (id: number): WatchkeeperError =>
  new WatchkeeperError("FINDING_UNKNOWN", `there is no finding ${id}`, {
    hint: "`watchkeeper findings --all` lists them",
  });
