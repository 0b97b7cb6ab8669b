import { expect, it } from "vitest";
import { fitLine, fitText } from "./fit.ts";

const within = (limit: number) => (text: string) => text.length <= limit;

it("leaves alone what fits", () => {
  expect(fitText("short", within(5))).toBe("short");
  expect(fitLine("short", within(5))).toBe("short");
});

it("takes the longest beginning that fits with what says that it was cut", () => {
  expect(fitLine("a long title", within(9))).toBe("a long t…");
  const cut = fitText("x".repeat(100), within(60));
  expect(cut).toBe(`${"x".repeat(15)}\n… (cut; \`watchkeeper findings\` has the rest)`);
  expect(cut).toHaveLength(60);
});

it.each([
  ["a family of four", "👨‍👩‍👧‍👦"],
  ["a letter with its accents", "e\u0301\u0302"],
  ["a flag", "🇪🇺"],
])("does not cut %s in two", (_what, sign) => {
  for (let limit = 20; limit < 300; limit += 1) {
    const kept = fitLine(sign.repeat(100), within(limit)).replace(/…$/, "");
    expect(kept.length % sign.length).toBe(0);
    expect(kept.length).toBeGreaterThan(limit - 2 * sign.length - 2);
  }
});

it("cuts what no eye takes for one character, but no half of a sign", () => {
  const endless = `👨${"\u200d👩".repeat(1_000)}`;
  for (let limit = 100; limit < 110; limit += 1) {
    const cut = fitLine(endless, within(limit));
    expect(cut.length).toBeGreaterThan(limit - 5);
    expect(cut.isWellFormed()).toBe(true);
  }
});
