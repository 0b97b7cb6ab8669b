import { expect, test } from "vitest";
import { decideReadiness } from "./readiness.ts";

const minute = 60_000;
const base = { startedAt: 1_000, heartbeatMs: 5 * minute };
const why = (now: number, lastCompletedAt: number | null) => {
  const decided = decideReadiness({ ...base, now, lastCompletedAt });
  return decided.ready ? "ready" : decided.why;
};

test.each([
  [1_000, null, "no beat has completed since the start"],
  [5_000, 999, "no beat has completed since the start"],
  [1_000, 1_000, "ready"],
  [1_000 + 12 * minute, 1_000, "ready"],
  [1_001 + 12 * minute, 1_000, "no beat has completed for 12 minutes"],
  // A clock that was set back.
  [500, 1_000, "ready"],
  [500, 400, "ready"],
])("at %d with the last beat at %d: %s", (now, lastCompletedAt, expected) => {
  expect(why(now, lastCompletedAt)).toBe(expected);
});
