import { describe, expect, it } from "vitest";
import type { DayRecord, Portion } from "../store/port.ts";
import { dailyPage, isEmptyDay, unfinishedLine } from "./daily-page.ts";

const none = { rows: [], count: 0 };
const quiet: DayRecord = {
  quietBeats: 0,
  missed: [],
  beats: none,
  events: none,
  runs: none,
  effects: none,
  approvals: none,
  notifications: none,
  costUsd: 0,
};
const all = <Row>(...rows: Row[]): Portion<Row> => ({ rows, count: rows.length });
const from = Date.parse("2026-01-04T23:00:00Z");
const at = (time: string) => Date.parse(`2026-01-05T${time}:00Z`);
const pageOf = (record: Partial<DayRecord>, isOver = true) =>
  dailyPage({ record: { ...quiet, ...record }, from, timezone: "Europe/Berlin", isOver });

const event: DayRecord["events"]["rows"][number] = {
  findingId: 7,
  check: "inbox/work",
  key: "mail-1",
  state: "opened",
  severity: "warning",
  title: "A bill",
  at: at("08:12"),
};

describe("dailyPage", () => {
  it("of a quiet day is its count", () => {
    expect(pageOf({ quietBeats: 288 })).toBe(
      "# Mon 5 Jan 2026\n\n288 beats, 288 of them quiet, 0 runs, $0.00.\n",
    );
  });

  it("tells what happened, each kind under its heading, in the owner's time", () => {
    const page = pageOf({
      quietBeats: 3,
      costUsd: 0.0123,
      missed: [{ from: at("00:30") - 86_400_000, to: at("02:00"), count: 12 }],
      beats: all({
        id: 5,
        startedAt: at("08:12"),
        trigger: "catch-up" as const,
        outcome: "found" as const,
        findings: 1,
        checks: [
          { name: "inbox/work", outcome: "ok" as const, durationMs: 1, error: null },
          { name: "calendar/team", outcome: "failed" as const, durationMs: 1, error: "gone" },
        ],
      }),
      events: all(
        event,
        { ...event, state: "resolved", at: at("23:30") },
        { ...event, check: "watchkeeper/blind", key: "calendar/team", at: at("09:00") },
      ),
      runs: all({
        id: 3,
        startedAt: at("08:13"),
        outcome: null,
        model: "claude-sonnet-5-5",
        costUsd: 0.0123,
        findings: 2,
      }),
      effects: all(
        {
          ...{ id: 4, tool: "inbox_archive", effect: "write" as const, state: "done" as const },
          ...{ plannedAt: at("08:13"), undoneAt: at("08:20"), approvalId: null },
          ...{ runId: 3, check: null },
        },
        {
          ...{
            id: 5,
            tool: "services_restart",
            effect: "send" as const,
            state: "unknown" as const,
          },
          ...{ plannedAt: at("08:14"), undoneAt: null, approvalId: null, runId: null },
          check: "services/api",
        },
      ),
      approvals: all({
        ...{ id: 2, tool: "inbox_send", status: "denied" as const },
        ...{ createdAt: at("08:14"), decidedAt: at("08:30") },
      }),
      notifications: all(
        {
          ...{ id: 1, kind: "finding" as const, state: "delivered" as const },
          ...{ severity: "warning" as const, title: "A bill", createdAt: at("08:15") },
        },
        {
          ...{ id: 2, kind: "finding" as const, state: "held" as const },
          ...{ severity: "notice" as const, title: "A letter", createdAt: at("08:16") },
        },
      ),
    });
    expect(page).toBe(`# Mon 5 Jan 2026

4 beats, 3 of them quiet, 1 run, $0.0123.

## Missed time

- Sun 4 Jan 2026 01:30 to 03:00: nobody looked; beats that fell out: 12

## Checks that went blind

- 10:00 \`calendar/team\` is blind

## Findings

- 09:12 warning opened, finding 7 of \`inbox/work\`: \`A bill\`
- 00:30 warning resolved, finding 7 of \`inbox/work\`: \`A bill\`

## Told

- 09:15 told, warning: \`A bill\`
- 09:16 held for the digest, notice: \`A letter\`

## Done

- 09:13 effect 4, \`inbox_archive\` (write): taken back 09:20, run 3
- 09:14 effect 5, \`services_restart\` (send): nobody knows whether it was done, by a rule of \`services/api\`

## Your word

- 09:14 approval 2, \`inbox_send\`: denied 09:30

## Runs

- 09:13 run 3 over 2 findings with \`claude-sonnet-5-5\`: goes on, $0.0123

## Beats with news

- 09:12 beat 5 (catch-up): 1 finding; could not look: \`calendar/team\`
`);
  });

  it("shows a stranger's title as words on one line: no link, no image, no HTML, no new line", () => {
    const title =
      "`a` [pay](https://evil.example)\n# Now ![x](y) <b>me@evil.example</b> \u202Ereverse";
    const page = pageOf({ events: all({ ...event, title }) });
    const line = page.split("\n").find((each) => each.includes("evil"));
    expect(line).toBe(
      "- 09:12 warning opened, finding 7 of `inbox/work`: `'a' [pay](https://evil.example) # Now ![x](y) <b>me@evil.example</b> reverse`",
    );
    const forged = pageOf({ events: all({ ...event, title: `x\n${unfinishedLine}` }) });
    expect(forged.trimEnd().split("\n").at(-1)).not.toBe(unfinishedLine);
  });

  it("says what it leaves out, and that the day goes on", () => {
    const page = pageOf({ events: { rows: [event], count: 301 } }, false);
    expect(page).toContain("`A bill`\n- and 300 more\n");
    expect(page.endsWith(`\n\n${unfinishedLine}\n`)).toBe(true);
  });
});

it("isEmptyDay tells a day on which nothing was recorded", () => {
  expect(isEmptyDay(quiet)).toBe(true);
  expect(isEmptyDay({ ...quiet, quietBeats: 1 })).toBe(false);
  expect(isEmptyDay({ ...quiet, events: all(event) })).toBe(false);
});
