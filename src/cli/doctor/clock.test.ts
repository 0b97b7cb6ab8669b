import { expect, it } from "vitest";
import { diagnoseClock, type ServerTime } from "./clock.ts";

const now = Date.parse("2026-11-23T09:00:00Z");
const minute = 60_000;

const judge = (...heard: [string, number][]) =>
  diagnoseClock(
    heard.map(([host, aheadMs]): ServerTime => ({ host, aheadMs })),
    { now, timezone: "Europe/Berlin" },
  );

it("says the time where the owner is, and who has the same", () => {
  expect(judge(["a.example", 900], ["b.example", -2_000])).toEqual({
    name: "clock",
    level: "ok",
    message: "10:00 in Europe/Berlin, as a.example, b.example has it",
  });
  expect(judge()).toMatchObject({
    level: "ok",
    message: expect.stringContaining("no server was asked that tells the time"),
  });
});

it.each<[number, "ok" | "warn" | "fail", RegExp]>([
  [30_000, "ok", /as a\.example/],
  [31_000, "warn", /31s behind a\.example, b\.example; .*set-ntp/],
  [-2 * minute, "warn", /2m ahead of/],
  [5 * minute, "warn", /5m behind/],
  [-6 * minute, "fail", /6m ahead of/],
  [400 * 24 * 60 * minute, "fail", /400d behind/],
])("two servers that are %i ms ahead are %s", (aheadMs, level, words) => {
  expect(judge(["a.example", aheadMs], ["b.example", aheadMs])).toMatchObject({
    level,
    message: expect.stringMatching(words),
  });
});

it("one server alone, or one among others, may be the one that is wrong", () => {
  expect(judge(["a.example", 90 * minute]).level).toBe("warn");
  expect(judge(["a.example", 90 * minute], ["b.example", 0], ["c.example", 100])).toMatchObject({
    level: "ok",
    message: "10:00 in Europe/Berlin, as b.example, c.example has it",
  });
});

it("a host counts once, however often it was asked", () => {
  const often = Array.from({ length: 9 }, (): [string, number] => ["watched.example", 90 * minute]);
  expect(judge(...often, ["b.example", 0], ["c.example", 0]).level).toBe("ok");
});

it("this machine's own servers say nothing about its clock where others were asked", () => {
  const own: [string, number][] = [
    ["127.0.0.1", 0],
    ["localhost", 0],
    ["::1", 0],
  ];
  const far: [string, number][] = [
    ["a.example", 10 * minute],
    ["b.example", 10 * minute],
  ];
  expect(judge(...own, ...far).level).toBe("fail");
  expect(judge(...own).level).toBe("ok");
});
