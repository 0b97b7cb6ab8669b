import { describe, expect, test } from "vitest";
import type { ChannelRecord, CheckRecord, StatusRecord } from "../store/port.ts";
import { statusView } from "./status.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
const minuteMs = 60_000;

const check: CheckRecord = {
  name: "inbox/work",
  skill: "inbox",
  schedule: "every 10m",
  enabled: true,
  status: "ok",
  nextDueAt: now + minuteMs,
  lastRunAt: now - minuteMs,
  lastOkAt: now - minuteMs,
  failingSince: null,
  consecutiveFailures: 0,
  lastError: null,
};
const daemon: NonNullable<StatusRecord["daemon"]> = {
  pid: 42,
  version: "1.2.3",
  startedAt: now - 60 * minuteMs,
  stoppedAt: null,
  heartbeatMs: 5 * minuteMs,
  skillsOff: [],
  webUrl: "http://127.0.0.1:7373",
  webOff: null,
  timezone: null,
};
const record: StatusRecord = {
  daemon,
  lastBeat: { id: 7, outcome: "quiet", startedAt: now - minuteMs, finishedAt: now - minuteMs },
  checks: [check],
  openFindings: 3,
  pendingApprovals: 0,
  undelivered: 0,
  channels: [],
};
const ntfy: ChannelRecord = {
  ...{ name: "ntfy", use: "always", severity: "info", waiting: 0 },
  ...{ consecutiveFailures: 0, failingSince: null, lastError: null, lastSentAt: now - minuteMs },
};
const downSince = now - 10 * minuteMs;
const down = { consecutiveFailures: 4, failingSince: downSince, lastError: "no", waiting: 2 };
const terminal: ChannelRecord = { ...ntfy, name: "terminal", use: "last-resort" };
const view = (change: Partial<StatusRecord> = {}, running = true) =>
  statusView({
    version: "1.2.3",
    now,
    running,
    timezone: "UTC",
    record: { ...record, ...change },
    pause: null,
    today: { costUsd: 0.5, tokens: 900 },
    month: { costUsd: 4, tokens: 9_000 },
  });
const lastBeat = (ago: number, outcome: "quiet" | "failed" | null = "quiet") => ({
  id: 7,
  outcome,
  startedAt: now - ago,
  finishedAt: outcome === null ? null : now - ago,
});

describe("healthy", () => {
  test.each([
    ["a watch in order", {}, []],
    ["open findings are not ill health", { openFindings: 99 }, []],
    [
      "a failing check is not yet blindness",
      { checks: [{ ...check, status: "failing", consecutiveFailures: 2 }] },
      [],
    ],
    ["a blind check", { checks: [{ ...check, status: "blind" }] }, ["inbox/work is blind"]],
    [
      "a blind check that is no longer enabled",
      { checks: [{ ...check, status: "blind", enabled: false }] },
      [],
    ],
    [
      "a skill that is off",
      { daemon: { ...daemon, skillsOff: [{ name: "shop", error: "kaputt" }] } },
      ["the skill shop is switched off"],
    ],
    ["a beat that failed", { lastBeat: lastBeat(minuteMs, "failed") }, ["the last beat failed"]],
    ["no channel yet, or only the last resort", { channels: [terminal] }, []],
    [
      "a channel that is down beside one that works",
      {
        channels: [
          { ...ntfy, ...down },
          { ...ntfy, name: "email" },
        ],
      },
      [],
    ],
    [
      "a channel that has just failed once",
      { channels: [{ ...ntfy, ...down, consecutiveFailures: 1 }] },
      [],
    ],
    [
      "every channel of the owner's down",
      { channels: [{ ...ntfy, ...down }, terminal] },
      ["no channel works: messages do not reach you"],
    ],
    ["a beat that is going on", { lastBeat: lastBeat(minuteMs, null) }, []],
    ["two gaps without a beat", { lastBeat: lastBeat(11 * minuteMs) }, []],
    [
      "more than two gaps and the grace without a beat",
      { lastBeat: lastBeat(13 * minuteMs) },
      ["no beat for too long"],
    ],
    [
      "a daemon that has just started, hours after its last beat",
      { lastBeat: lastBeat(600 * minuteMs), daemon: { ...daemon, startedAt: now - 1_000 } },
      [],
    ],
    ["a first beat that does not come", { lastBeat: null }, ["no beat for too long"]],
  ] satisfies [string, Partial<StatusRecord>, string[]][])("%s", (_, change, problems) => {
    const { healthy, problems: found } = view(change);
    expect(found).toEqual(problems);
    expect(healthy).toBe(problems.length === 0);
  });

  test("is what a daemon that does not run never is", () => {
    expect(view({}, false)).toMatchObject({
      healthy: false,
      problems: ["the daemon is not running"],
      pid: null,
      startedAt: null,
      beat: { last: "2026-11-23T11:59:00.000Z", next: null },
    });
  });
});

test("nothing saved yet is a view too", () => {
  const nothing = { costUsd: 0, tokens: 0 };
  expect(
    statusView({
      version: "1",
      now,
      running: false,
      timezone: "UTC",
      record: null,
      pause: null,
      today: nothing,
      month: nothing,
    }),
  ).toMatchObject({
    pid: null,
    beat: { last: null, next: null },
    checks: [],
    openFindings: 0,
  });
});

test("a pause is shown with its end and its reason", () => {
  const nothing = { costUsd: 0, tokens: 0 };
  const pause = { pausedAt: now, until: now + minuteMs, reason: "holidays" };
  const base = {
    version: "1",
    now,
    running: false,
    timezone: "UTC",
    record,
    today: nothing,
    month: nothing,
  };
  expect(statusView({ ...base, pause })).toMatchObject({
    paused: true,
    pause: {
      since: "2026-11-23T12:00:00.000Z",
      until: "2026-11-23T12:01:00.000Z",
      reason: "holidays",
    },
  });
  expect(statusView({ ...base, pause: null })).toMatchObject({ paused: false, pause: null });
});

test("the next beat is the next due check or the heartbeat, whichever is first", () => {
  expect(view().beat.next).toBe("2026-11-23T12:00:00.000Z");
  const soon = view({
    lastBeat: lastBeat(0),
    checks: [{ ...check, nextDueAt: now + 2 * minuteMs }],
  });
  expect(soon.beat.next).toBe("2026-11-23T12:02:00.000Z");
  const later = view({
    lastBeat: lastBeat(0),
    checks: [{ ...check, nextDueAt: now + 60 * minuteMs }],
  });
  expect(later.beat.next).toBe("2026-11-23T12:05:00.000Z");
});

test("checks of a skill that is off are shown as off, those of a skill that is gone are not", () => {
  const { checks } = view({
    daemon: { ...daemon, skillsOff: [{ name: "shop", error: "kaputt" }] },
    checks: [
      check,
      { ...check, name: "shop/till", skill: "shop", enabled: false },
      { ...check, name: "old/thing", skill: "old", enabled: false },
    ],
  });
  expect(checks.map(({ name, status, nextDueAt }) => [name, status, nextDueAt !== null])).toEqual([
    ["inbox/work", "ok", true],
    ["shop/till", "off", false],
  ]);
});

test("times are ISO 8601 in UTC, and spend is in dollars and tokens", () => {
  const { checks, spend } = view({ checks: [{ ...check, failingSince: now, lastError: "gone" }] });
  expect(checks[0]).toMatchObject({
    lastRunAt: "2026-11-23T11:59:00.000Z",
    failingSince: "2026-11-23T12:00:00.000Z",
    lastError: "gone",
  });
  expect(spend).toEqual({ todayUsd: 0.5, monthUsd: 4, todayTokens: 900 });
});

test("channels are shown with how they stand and what waits for them", () => {
  const { channels } = view({ channels: [{ ...ntfy, ...down }, terminal] });
  expect(channels).toEqual([
    {
      ...{ name: "ntfy", use: "always", severity: "info", status: "failing", waiting: 2 },
      ...{ failingSince: "2026-11-23T11:50:00.000Z", consecutiveFailures: 4, lastError: "no" },
      lastSentAt: "2026-11-23T11:59:00.000Z",
    },
    expect.objectContaining({ name: "terminal", use: "last-resort", status: "ok" }),
  ]);
});
