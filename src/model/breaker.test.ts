import { describe, expect, it } from "vitest";
import { createBreaker } from "./breaker.ts";

const opened = () => {
  const breaker = createBreaker({ mostFailures: 5, restMs: 60_000 });
  for (let failure = 0; failure < 5; failure += 1) {
    expect(breaker.restsUntil(1_000)).toBeNull();
    breaker.begin(1_000);
    breaker.end("failed", 1_000);
  }
  return breaker;
};

describe("a breaker", () => {
  it("opens at the fifth failure in a row, for a minute", () => {
    const breaker = opened();
    expect(breaker.restsUntil(1_000)).toBe(61_000);
    expect(breaker.restsUntil(60_999)).toBe(61_000);
    expect(breaker.restsUntil(61_000)).toBeNull();
  });

  it("forgets failures at an answer", () => {
    const breaker = createBreaker({ mostFailures: 2, restMs: 60_000 });
    for (const outcome of ["failed", "answered", "failed"] as const) breaker.end(outcome, 0);
    expect(breaker.restsUntil(0)).toBeNull();
    breaker.end("failed", 0);
    expect(breaker.restsUntil(0)).toBe(60_000);
  });

  it("lets one trial through, whose failure opens it again and whose answer closes it", () => {
    const breaker = opened();
    breaker.begin(61_000);
    expect(breaker.restsUntil(62_000)).toBe(121_000);
    breaker.end("failed", 70_000);
    expect(breaker.restsUntil(70_000)).toBe(130_000);
    breaker.begin(130_000);
    breaker.end("answered", 131_000);
    expect(breaker.restsUntil(131_000)).toBeNull();
    breaker.end("failed", 131_000);
    expect(breaker.restsUntil(131_000)).toBeNull();
  });

  it("takes a trial that was called off for nothing: the next call is the trial", () => {
    const breaker = opened();
    breaker.begin(61_000);
    breaker.end("neither", 62_000);
    expect(breaker.restsUntil(62_000)).toBeNull();
    breaker.begin(62_000);
    expect(breaker.restsUntil(62_000)).toBe(122_000);
  });

  it("is not kept open by a clock that was set back", () => {
    expect(opened().restsUntil(-3_600_000)).toBeNull();
  });
});
