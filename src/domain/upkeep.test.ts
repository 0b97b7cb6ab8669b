import { describe, expect, test } from "vitest";
import { isHalfWeekly, tooManyWeekly, upkeepDueAt, weeklyName, type UpkeepTask } from "./upkeep.ts";

const at = (iso: string): number => Date.parse(iso);
const berlin = { at: 3 * 60 + 20, timezone: "Europe/Berlin" };

describe("when it is due", () => {
  test.each<[string, UpkeepTask, string, string | null, string | null, string, string]>([
    // what, task, since, last tried, last ok, now, due
    [
      "never done: the next quiet hour",
      "prune",
      "2026-01-05T12:00Z",
      null,
      null,
      "2026-01-05T12:00Z",
      "2026-01-06T02:20Z",
    ],
    [
      "a backup too",
      "backup",
      "2026-01-05T12:00Z",
      null,
      null,
      "2026-01-05T12:00Z",
      "2026-01-06T02:20Z",
    ],
    [
      "done: the next night",
      "prune",
      "2026-01-01T00:00Z",
      "2026-01-06T02:21Z",
      "2026-01-06T02:21Z",
      "2026-01-06T03:00Z",
      "2026-01-07T02:20Z",
    ],
    [
      "done late after a catch-up: the next night all the same",
      "prune",
      "2026-01-01T00:00Z",
      "2026-01-06T09:00Z",
      "2026-01-06T09:00Z",
      "2026-01-06T10:00Z",
      "2026-01-07T02:20Z",
    ],
    [
      "a copy is a week later",
      "backup",
      "2026-01-01T00:00Z",
      "2026-01-06T02:21Z",
      "2026-01-06T02:21Z",
      "2026-01-06T03:00Z",
      "2026-01-13T02:20Z",
    ],
    [
      "summer time has the same hour on the wall",
      "prune",
      "2026-01-01T00:00Z",
      "2026-03-29T01:30Z",
      "2026-03-29T01:30Z",
      "2026-03-29T02:00Z",
      "2026-03-30T01:20Z",
    ],
    [
      "slept through: at once",
      "prune",
      "2026-01-01T00:00Z",
      null,
      null,
      "2026-01-09T12:00Z",
      "2026-01-01T02:20Z",
    ],
    [
      "failed: an hour later",
      "backup",
      "2026-01-01T00:00Z",
      "2026-01-06T02:20Z",
      null,
      "2026-01-06T02:21Z",
      "2026-01-06T03:20Z",
    ],
    [
      "failed after one that went well",
      "backup",
      "2026-01-01T00:00Z",
      "2026-01-13T02:20Z",
      "2026-01-06T02:20Z",
      "2026-01-13T02:21Z",
      "2026-01-13T03:20Z",
    ],
    [
      "the clock was set back: not put off",
      "prune",
      "2027-01-01T00:00Z",
      null,
      null,
      "2026-01-06T12:00Z",
      "2026-01-07T02:20Z",
    ],
  ])("%s", (_, task, since, tried, ok, now, due) => {
    const history = {
      since: at(since),
      lastTriedAt: tried === null ? null : at(tried),
      lastOkAt: ok === null ? null : at(ok),
    };
    const dueAt = upkeepDueAt(task, history, { ...berlin, now: at(now) });
    expect(new Date(dueAt).toISOString()).toBe(new Date(at(due)).toISOString());
  });
});

test("names of weekly copies sort by age; the oldest are too many, and others are never", () => {
  const names = ["2026-11-03", "2026-11-10", "2026-11-17"].map((date) =>
    weeklyName(at(`${date}T02:20:00Z`)),
  );
  const now = at("2026-11-17T02:20:00Z");
  const others = ["before-upgrade-1-2.db", "weekly-mine.db", `${names[0] ?? ""}.77.part`];
  expect(tooManyWeekly([...names.toReversed(), ...others], 2, now)).toEqual([names[0]]);
  expect(tooManyWeekly(names, 4, now)).toEqual([]);
  expect(others.map(isHalfWeekly)).toEqual([false, false, true]);
});

test("copies that a clock ahead has named go before the newest, when that is set back", () => {
  const made = at("2026-05-01T03:20Z");
  const ahead = [1, 2, 3, 4].map((week) => weeklyName(made + (52 + week) * 7 * 86_400_000));
  const newest = weeklyName(made);
  expect(tooManyWeekly([...ahead, newest], 4, made)).toEqual([ahead[0]]);
  expect(tooManyWeekly([...ahead, newest], 1, made)).toEqual(ahead);
});
