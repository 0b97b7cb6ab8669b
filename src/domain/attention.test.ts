import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseClockRange } from "./active-hours.ts";
import { floorVerdict, route, type RouteInput, ruleVerdict } from "./attention.ts";
import {
  findingStates,
  type FindingState,
  severities,
  type Severity,
  type Trust,
  trusts,
  type Verdict,
  verdicts,
} from "./finding.ts";

const at = (text: string): number => Date.parse(text);
const rank = (verdict: Verdict): number => verdicts.indexOf(verdict);

describe("ruleVerdict", () => {
  it.each<[Severity, FindingState, number, Verdict, string]>([
    ["critical", "opened", 0, "notify", "critical: told at once"],
    ["warning", "opened", 0, "notify", "warning: told at once"],
    ["notice", "opened", 0, "digest", "notice: waits for the digest"],
    ["info", "opened", 0, "ignore", "info: kept in the log"],
    ["warning", "changed", 1, "notify", "warning: told at once"],
    ["notice", "changed", 1, "digest", "notice: waits for the digest"],
    ["critical", "resolved", 0, "notify", "over; critical: told at once"],
    ["warning", "resolved", 0, "notify", "over; warning: told at once"],
    ["notice", "resolved", 0, "digest", "over; notice: waits for the digest"],
    ["info", "resolved", 0, "ignore", "over; info: kept in the log"],
    ["notice", "resolved", 1, "notify", "over, and you were told that it began"],
    ["info", "resolved", 2, "notify", "over, and you were told that it began"],
  ])("%s %s, told %d: %s", (severity, state, toldRevision, verdict, why) => {
    expect(ruleVerdict({ severity, state, toldRevision })).toEqual({ verdict, why });
  });
});

describe("floorVerdict", () => {
  it.each<[Verdict, Severity, Trust, boolean, Verdict]>([
    // A run that read only what is ours: the two floors, nothing else.
    ["ignore", "critical", "trusted", false, "notify"],
    ["digest", "critical", "trusted", false, "notify"],
    ["notify", "critical", "trusted", false, "notify"],
    ["ignore", "warning", "trusted", false, "digest"],
    ["digest", "warning", "trusted", false, "digest"],
    ["ignore", "notice", "trusted", false, "ignore"],
    ["ignore", "info", "trusted", false, "ignore"],
    // It may always raise.
    ["notify", "info", "untrusted", true, "notify"],
    ["digest", "info", "trusted", true, "digest"],
    ["notify", "notice", "trusted", true, "notify"],
    // A run that read strangers' text: no trusted finding below the rules.
    ["ignore", "warning", "trusted", true, "notify"],
    ["digest", "warning", "trusted", true, "notify"],
    ["ignore", "notice", "trusted", true, "digest"],
    ["ignore", "info", "trusted", true, "ignore"],
    // What strangers wrote may be made quieter, down to the floors.
    ["ignore", "critical", "untrusted", true, "notify"],
    ["ignore", "warning", "untrusted", true, "digest"],
    ["digest", "warning", "untrusted", true, "digest"],
    ["ignore", "notice", "untrusted", true, "ignore"],
  ])("%s of a %s, %s, strangers' text read: %s → %s", (given, severity, trust, read, expected) => {
    const finding = { severity, trust, state: "opened" as const, toldRevision: 0 };
    const floored = floorVerdict(given, { ...finding, runReadUntrusted: read });
    expect(floored).toMatchObject({ verdict: expected, raised: given !== expected });
  });

  it("does not let strangers' text hide that a told finding of ours is over", () => {
    const over = { severity: "notice", state: "resolved", trust: "trusted" } as const;
    const told = { ...over, toldRevision: 1, runReadUntrusted: true };
    expect(floorVerdict("ignore", told)).toEqual({
      verdict: "notify",
      raised: true,
      why: "over, and you were told that it began; a run that has read strangers' text may not make it quieter",
    });
  });

  it("says why", () => {
    const finding = { state: "opened", trust: "trusted", toldRevision: 0 } as const;
    const clean = { ...finding, runReadUntrusted: false };
    expect(floorVerdict("ignore", { ...clean, severity: "critical" }).why).toBe(
      "critical: always told, not ignored",
    );
    expect(floorVerdict("digest", { ...clean, severity: "critical" }).why).toBe(
      "critical: always told, not left for the digest",
    );
    expect(floorVerdict("ignore", { ...clean, severity: "warning" }).why).toBe(
      "warning: at least in the digest, not ignored",
    );
    expect(floorVerdict("notify", { ...clean, severity: "info" }).why).toBe(
      "the verdict was notify",
    );
  });

  it("never lowers, and keeps every promise at once", () => {
    const finding = fc.record({
      severity: fc.constantFrom(...severities),
      state: fc.constantFrom(...findingStates),
      trust: fc.constantFrom(...trusts),
      toldRevision: fc.integer({ min: 0, max: 3 }),
      runReadUntrusted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.constantFrom(...verdicts), finding, (given, subject) => {
        const floored = floorVerdict(given, subject);
        expect(rank(floored.verdict)).toBeGreaterThanOrEqual(rank(given));
        expect(floored.raised).toBe(floored.verdict !== given);
        if (subject.severity === "critical") expect(floored.verdict).toBe("notify");
        if (subject.severity === "warning") expect(floored.verdict).not.toBe("ignore");
        if (subject.trust === "trusted" && subject.runReadUntrusted) {
          const rule = ruleVerdict(subject);
          expect(rank(floored.verdict)).toBeGreaterThanOrEqual(rank(rule.verdict));
        }
      }),
    );
  });
});

describe("route", () => {
  const parsed = parseClockRange("22:00-07:00");
  const quietHours = parsed.ok ? parsed.range : null;
  const day = at("2026-11-03T12:00:00Z");
  const night = at("2026-11-03T22:30:00Z");
  const digest = at("2026-11-04T07:30:00Z");
  const wake = at("2026-11-04T06:00:00Z");
  const send = (over: Partial<RouteInput>) =>
    route({
      verdict: "notify",
      severity: "warning",
      now: day,
      quietHours,
      timezone: "Europe/Berlin",
      digestAt: "08:30",
      interruptionsToday: 0,
      interruptionsPerDay: 8,
      ...over,
    });

  it.each<[string, Partial<RouteInput>, ReturnType<typeof route>]>([
    ["at once", {}, { kind: "now", why: "warning: told at once" }],
    [
      "a notice that is worth it",
      { severity: "notice" },
      { kind: "now", why: "notice: told at once" },
    ],
    [
      "to the log",
      { severity: "info", verdict: "ignore" },
      { kind: "log", why: "info: kept in the log" },
    ],
    [
      "to the digest",
      { severity: "notice", verdict: "digest" },
      {
        kind: "digest",
        at: digest,
        because: "verdict",
        why: "notice: waits for the digest at 08:30",
      },
    ],
    [
      "to the earliest of several digests",
      { verdict: "digest", digestAt: ["08:30", "18:00"] },
      {
        kind: "digest",
        at: at("2026-11-03T17:00:00Z"),
        because: "verdict",
        why: "warning: waits for the digest at 18:00",
      },
    ],
    [
      "to the default digest when none is named",
      { verdict: "digest", digestAt: [] },
      {
        kind: "digest",
        at: digest,
        because: "verdict",
        why: "warning: waits for the digest at 08:30",
      },
    ],
    [
      "after quiet hours",
      { now: night },
      { kind: "digest", at: wake, because: "quiet-hours", why: "quiet hours until 07:00" },
    ],
    [
      "with a digest that comes before the end of quiet hours",
      { now: night, digestAt: "06:30" },
      {
        kind: "digest",
        at: at("2026-11-04T05:30:00Z"),
        because: "quiet-hours",
        why: "quiet hours: waits for the digest at 06:30",
      },
    ],
    [
      "with the digest when it is always quiet",
      { quietHours: { startMinute: 0, endMinute: 1_440 } },
      {
        kind: "digest",
        at: digest,
        because: "quiet-hours",
        why: "quiet hours: waits for the digest at 08:30",
      },
    ],
    ["at night without quiet hours", { now: night, quietHours: null }, send({})],
    [
      "to the digest above the cap",
      { interruptionsToday: 8 },
      {
        kind: "digest",
        at: digest,
        because: "cap",
        why: "above interruptionsPerDay (8): waits for the digest at 08:30",
      },
    ],
    ["at once below the cap", { interruptionsToday: 7 }, send({})],
    [
      "critical in quiet hours",
      { severity: "critical", now: night, interruptionsToday: 99 },
      { kind: "now", why: "critical: told at once, even in quiet hours" },
    ],
    [
      "critical above the cap",
      { severity: "critical", interruptionsToday: 99 },
      { kind: "now", why: "critical: told at once, above interruptionsPerDay (8)" },
    ],
    ["critical", { severity: "critical" }, { kind: "now", why: "critical: told at once" }],
  ])("%s", (_name, over, expected) => {
    expect(send(over)).toEqual(expected);
  });

  it("keeps the owner's clock in the nights in which it is changed", () => {
    const spring = send({ now: at("2027-03-27T22:00:00Z") });
    expect(spring).toMatchObject({
      at: at("2027-03-28T05:00:00Z"),
      why: "quiet hours until 07:00",
    });
    const autumn = send({ now: at("2026-10-24T22:00:00Z"), verdict: "digest" });
    expect(autumn).toMatchObject({ at: at("2026-10-25T07:30:00Z") });
  });

  it("always names a later time for what waits", () => {
    const input = fc.record({
      verdict: fc.constantFrom<Verdict>("digest", "notify"),
      severity: fc.constantFrom(...severities),
      now: fc.integer({ min: at("2026-01-01T00:00Z"), max: at("2028-01-01T00:00Z") }),
      interruptionsToday: fc.integer({ min: 0, max: 20 }),
      timezone: fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"),
    });
    fc.assert(
      fc.property(input, (over) => {
        const routed = send(over);
        if (routed.kind === "digest") {
          expect(routed.at).toBeGreaterThan(over.now);
          expect(routed.at - over.now).toBeLessThanOrEqual(25 * 3_600_000);
        } else {
          expect(routed.kind).toBe("now");
        }
      }),
    );
  });
});
