import { expect, it } from "vitest";
import { atLeast, severities, severityRank } from "./finding.ts";

it("ranks severities from info to critical", () => {
  expect(severities.toSorted((a, b) => severityRank(b) - severityRank(a))).toEqual([
    "critical",
    "warning",
    "notice",
    "info",
  ]);
  expect(severities.filter((severity) => atLeast(severity, "warning"))).toEqual([
    "warning",
    "critical",
  ]);
  expect(severities.every((severity) => atLeast(severity, "info"))).toBe(true);
});
