import { describe, expect, test } from "vitest";
import type { SpendCall } from "../store/port.ts";
import { costView, type CostInput } from "./cost.ts";

const hour = 3_600_000;
const now = Date.parse("2026-03-30T12:00:00Z");

const call = (at: string, costUsd: number, changes: Partial<SpendCall> = {}): SpendCall => ({
  runId: 1,
  at: Date.parse(at),
  model: "claude-sonnet-5-5",
  costUsd,
  tokens: 1_000,
  skills: { inbox: 1 },
  ...changes,
});

const view = (calls: readonly SpendCall[], changes: Partial<CostInput> = {}) =>
  costView({
    calls,
    now,
    timezone: "Europe/Berlin",
    days: 30,
    watchingSince: Date.parse("2026-01-01T00:00:00Z"),
    ...changes,
  });

test("days are the owner's, in their order, also where a clock is put forward", () => {
  const { days } = view([
    // The clocks go from 02:00 to 03:00 on the 29th.
    call("2026-03-28T22:59:00Z", 1),
    call("2026-03-28T23:01:00Z", 2, { runId: 2 }),
    call("2026-03-29T21:59:00Z", 4, { runId: 2 }),
    call("2026-03-29T22:01:00Z", 8, { runId: 3 }),
  ]);
  expect(days).toMatchObject([
    { date: "2026-03-28", costUsd: 1, runs: 1, calls: 1 },
    { date: "2026-03-29", costUsd: 6, runs: 1, calls: 2, tokens: 2_000 },
    { date: "2026-03-30", costUsd: 8, runs: 1 },
  ]);
});

test("models stand by what they cost, and a run is shared out over its findings' skills", () => {
  const { models, skills, total } = view([
    call("2026-03-30T10:00:00Z", 1, { model: "a", skills: { inbox: 3, services: 1 } }),
    call("2026-03-30T10:01:00Z", 4, { model: "b", skills: { services: 1 } }),
    call("2026-03-30T10:02:00Z", 0.5, { model: "b", skills: {} }),
  ]);
  expect(models.map(({ model, costUsd }) => [model, costUsd])).toEqual([
    ["b", 4.5],
    ["a", 1],
  ]);
  expect(skills).toMatchObject([
    { skill: "services", costUsd: 4.25, tokens: 1_250 },
    { skill: "inbox", costUsd: 0.75, tokens: 750 },
    { skill: "other", costUsd: 0.5 },
  ]);
  expect(skills.reduce((sum, { costUsd }) => sum + costUsd, 0)).toBe(total.costUsd);
});

describe("the forecast of a month", () => {
  test("is 30 days like the last seven whole ones, quiet ones included", () => {
    const { forecast } = view([
      call("2026-03-20T10:00:00Z", 100),
      call("2026-03-25T10:00:00Z", 5),
      call("2026-03-29T10:00:00Z", 2),
      call("2026-03-30T06:00:00Z", 50),
    ]);
    expect(forecast).toMatchObject({ monthUsd: 30, fromDays: 7 });
  });

  test("goes by the whole days that there were when the watch is young", () => {
    const watchingSince = Date.parse("2026-03-27T15:00:00Z");
    const calls = [call("2026-03-27T16:00:00Z", 9), call("2026-03-29T10:00:00Z", 3)];
    expect(view(calls, { watchingSince }).forecast).toMatchObject({ monthUsd: 45, fromDays: 2 });
    const today = now - 3 * hour;
    expect(view([], { watchingSince: today }).forecast).toMatchObject({ monthUsd: null });
  });

  test("at today's pace counts the hours that there were", () => {
    // Midnight in Berlin was fourteen hours ago.
    const calls = [call("2026-03-30T06:00:00Z", 1.4)];
    expect(view(calls).forecast.monthUsdAtTodaysPace).toBeCloseTo(72, 9);
    const watchingSince = now - 7 * hour;
    expect(view(calls, { watchingSince }).forecast.monthUsdAtTodaysPace).toBeCloseTo(144, 9);
    expect(view(calls, { watchingSince: now - 60_000 }).forecast.monthUsdAtTodaysPace).toBeNull();
  });

  test("is none before the first beat", () => {
    expect(view([], { watchingSince: null })).toMatchObject({
      days: [],
      forecast: { monthUsd: null, fromDays: 0, monthUsdAtTodaysPace: null },
    });
  });
});
