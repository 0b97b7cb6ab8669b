import { describe, expect, it } from "vitest";
import { parseClockRange } from "./active-hours.ts";
import type { Severity } from "./finding.ts";
import { decideGate, type GateInput, type PendingFinding, untoldCriticals } from "./gate.ts";

const minute = 60_000;
const hour = 60 * minute;
const at = (text: string): number => Date.parse(text);
const now = at("2026-11-03T12:00:00Z");

const finding = (id: number, severity: Severity, over: Partial<PendingFinding> = {}) => ({
  id,
  severity,
  state: "opened" as const,
  openedAt: now,
  changedAt: now,
  revision: 1,
  toldRevision: 0,
  closesAt: null,
  ...over,
});
const info = finding(1, "info");
const notice = finding(2, "notice");
const warning = finding(3, "warning");
const critical = finding(4, "critical");

const parsed = parseClockRange("09:00-18:00");
const office = parsed.ok ? parsed.range : null;

describe("decideGate", () => {
  const decide = (over: Partial<GateInput>) =>
    decideGate({
      pending: [],
      now,
      activeHours: office,
      timezone: "Europe/Berlin",
      paused: false,
      modelReady: true,
      budgetLeft: true,
      runInProgress: false,
      digestDueAt: now + hour,
      gatherMs: 0,
      ...over,
    });
  const night = at("2026-11-03T20:00:00Z");
  const morning = at("2026-11-04T08:00:00Z");

  it.each<[string, Partial<GateInput>, ReturnType<typeof decideGate>]>([
    ["nothing pending", {}, { kind: "nothing", because: "nothing-pending" }],
    ["a notice wakes a run", { pending: [notice] }, { kind: "run", findingIds: [2] }],
    [
      "the run takes all, info too",
      { pending: [info, notice, critical] },
      { kind: "run", findingIds: [1, 2, 4] },
    ],
    [
      "what is over wakes a run too",
      { pending: [finding(7, "notice", { state: "resolved" })] },
      { kind: "run", findingIds: [7] },
    ],
    [
      "info waits for the digest",
      { pending: [info] },
      { kind: "hold", until: now + hour, because: "only-info" },
    ],
    [
      "info is looked at with the digest",
      { pending: [info], digestDueAt: now },
      { kind: "run", findingIds: [1] },
    ],
    [
      "info without a digest rides with the next run",
      { pending: [info], digestDueAt: null },
      { kind: "nothing", because: "only-info" },
    ],
    [
      "one run at a time",
      { pending: [critical], runInProgress: true },
      { kind: "nothing", because: "run-in-progress" },
    ],
    [
      "no model: the rules take all",
      { pending: [info, warning], modelReady: false },
      { kind: "rules", findingIds: [1, 3], reason: "no-model" },
    ],
    [
      "no model does not hurry info",
      { pending: [info], modelReady: false },
      { kind: "hold", until: now + hour, because: "only-info" },
    ],
    [
      "paused: the rules take all",
      { pending: [info, warning], paused: true },
      { kind: "rules", findingIds: [1, 3], reason: "paused" },
    ],
    [
      "paused during a run: that run's end comes first",
      { pending: [warning], paused: true, runInProgress: true },
      { kind: "nothing", because: "run-in-progress" },
    ],
    [
      "outside active hours it waits for their start",
      { pending: [info, warning], now: night, digestDueAt: null },
      { kind: "hold", until: morning, because: "outside-active-hours" },
    ],
    [
      "neither do the rules interrupt outside active hours",
      { pending: [warning], now: night, modelReady: false, paused: true },
      { kind: "hold", until: morning, because: "outside-active-hours" },
    ],
    [
      "but for what is critical, and for that alone",
      { pending: [info, warning, critical], now: night },
      { kind: "rules", findingIds: [4], reason: "outside-active-hours" },
    ],
    [
      "a digest outside active hours makes no run",
      { pending: [info], now: night, digestDueAt: night },
      { kind: "hold", until: morning, because: "outside-active-hours" },
    ],
    [
      "a notice waits for company where it may",
      { pending: [info, notice], gatherMs: hour / 2 },
      { kind: "hold", until: now + hour / 2, because: "gathering" },
    ],
    [
      "the notice that has waited longest brings all along",
      { pending: [info, finding(6, "notice", { changedAt: now - hour }), notice], gatherMs: hour },
      { kind: "run", findingIds: [1, 6, 2] },
    ],
    [
      "nobody waits with a warning",
      { pending: [notice, warning], gatherMs: hour / 2 },
      { kind: "run", findingIds: [2, 3] },
    ],
    [
      "what is over soon waits for half of the time that is left",
      { pending: [notice, finding(6, "notice", { closesAt: now + hour / 2 })], gatherMs: hour },
      { kind: "hold", until: now + hour / 4, because: "gathering" },
    ],
    [
      "what is over already does not wait",
      { pending: [finding(6, "notice", { closesAt: now - hour })], gatherMs: hour },
      { kind: "run", findingIds: [6] },
    ],
    [
      "a clock that was set back makes nobody wait",
      { pending: [finding(6, "notice", { changedAt: now + hour })], gatherMs: hour },
      { kind: "run", findingIds: [6] },
    ],
    [
      "it is judged in time for the digest",
      { pending: [notice], gatherMs: 2 * hour },
      { kind: "hold", until: now + hour - 5 * minute, because: "gathering" },
    ],
    [
      "and in the last minutes before one at once",
      { pending: [notice], gatherMs: hour, digestDueAt: now + minute },
      { kind: "run", findingIds: [2] },
    ],
    [
      "the rules wait for nobody",
      { pending: [notice], gatherMs: hour, modelReady: false },
      { kind: "rules", findingIds: [2], reason: "no-model" },
    ],
    [
      "no active hours: always",
      { pending: [warning], now: night, activeHours: null },
      { kind: "run", findingIds: [3] },
    ],
  ])("%s", (_name, over, expected) => {
    expect(decide(over)).toEqual(expected);
  });

  it("holds the others once the critical ones are told", () => {
    const pending = [info, warning, critical];
    const first = decide({ pending, now: night });
    const told = first.kind === "rules" ? first.findingIds : [];
    const rest = pending.filter(({ id }) => !told.includes(id));
    expect(decide({ pending: rest, now: night })).toMatchObject({ kind: "hold", until: morning });
  });
});

describe("untoldCriticals", () => {
  const changedAgo = (ms: number, over: Partial<PendingFinding> = {}) =>
    finding(4, "critical", { changedAt: now - ms, ...over });

  it.each<[string, PendingFinding, number[], number | null]>([
    ["a minute has passed", changedAgo(minute), [4], null],
    ["a minute has not quite passed", changedAgo(minute - 1), [], now + 1],
    ["just changed", changedAgo(0), [], now + minute],
    ["written a moment after now was taken", changedAgo(-20), [], now + minute + 20],
    ["written by a clock that was set back", changedAgo(-24 * hour), [4], null],
    ["told already", changedAgo(hour, { toldRevision: 1 }), [], null],
    [
      "changed since it was told",
      changedAgo(hour, { state: "changed", revision: 2, toldRevision: 1 }),
      [4],
      null,
    ],
    ["over by itself", changedAgo(hour, { state: "resolved", revision: 2 }), [], null],
    ["not critical", finding(3, "warning", { changedAt: now - hour }), [], null],
  ])("%s", (_name, pending, findingIds, nextDeadline) => {
    expect(untoldCriticals({ pending: [pending], now })).toEqual({ findingIds, nextDeadline });
  });

  it("names all that are overdue and the earliest of those that are not", () => {
    const pending = [
      finding(1, "critical", { changedAt: now - hour }),
      finding(2, "critical", { changedAt: now - 10_000 }),
      finding(3, "critical", { changedAt: now - 30_000 }),
      finding(4, "critical", { changedAt: now - minute }),
    ];
    expect(untoldCriticals({ pending, now })).toEqual({
      findingIds: [1, 4],
      nextDeadline: now + 30_000,
    });
    expect(untoldCriticals({ pending, now, afterMs: 5_000 }).findingIds).toEqual([1, 2, 3, 4]);
  });
});
