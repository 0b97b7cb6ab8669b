import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duration, formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1.5h", 5_400_000],
    [" 10m ", 600_000],
    ["0.001s", 1],
    ["3660d", 3_660 * 86_400_000],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ...["", "5", "m", "5 m", "-5m", "+5m", "5M", "5min", "5m30s", "1e3s", "Infinityd", "NaNs"],
    ...["0s", "0.0001s", "3661d", `${"9".repeat(400)}d`, "٥m", "5m\u0000"],
  ])("does not read %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0ms"],
    [-5, "0ms"],
    [999, "999ms"],
    [1_000, "1s"],
    [1_499, "1s"],
    [59_999, "1m"],
    [90_000, "1m 30s"],
    [3_600_000, "1h"],
    [3_601_000, "1h"],
    [7_500_000, "2h 5m"],
    [86_400_000 + 59_000, "1d"],
    [3 * 86_400_000 + 4 * 3_600_000 + 59 * 60_000, "3d 4h"],
  ])("says %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("says what was read as it was written", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("s", "m", "h", "d"),
        fc.integer({ min: 1, max: 23 }),
        (unit, count) => {
          const text = `${count}${unit}`;
          expect(formatDuration(parseDuration(text) ?? 0)).toBe(text);
        },
      ),
    );
  });
});

it("is a schema whose error shows how to write one", () => {
  expect(duration().parse("5m")).toBe(300_000);
  const { error } = duration().safeParse("five minutes");
  expect(error?.issues).toMatchObject([
    { code: "custom", message: expect.stringMatching(/"five minutes" is not .*"5m"/) },
  ]);
  expect(duration().safeParse(300).success).toBe(false);
});
