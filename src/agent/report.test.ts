import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readReport, reportTool } from "./report.ts";

const ids = [1, 2];
const one = { findingId: "1", verdict: "notify", message: "Call Ann." };
const two = { findingId: "2", verdict: "ignore" };

describe("readReport", () => {
  it("takes a whole report", () => {
    const effects = ["9", 10];
    expect(readReport({ verdicts: [{ ...one, effects }, two], summary: "Quiet." }, ids)).toEqual({
      verdicts: new Map([
        [1, { verdict: "notify", message: "Call Ann.", effects: ["9", "10"] }],
        [2, { verdict: "ignore", message: null, effects: [] }],
      ]),
      summary: "Quiet.",
      problems: [],
    });
  });

  it("takes ids as numbers, and words left out as null", () => {
    const verdicts = [{ findingId: 1, verdict: "digest", message: null }, two];
    expect(readReport({ verdicts, summary: null }, ids)).toMatchObject({
      summary: null,
      problems: [],
    });
  });

  it.each<[string, unknown[], number[], RegExp]>([
    ["one is missing", [one], [1], /^no valid verdict for finding 2$/],
    ["all are missing", [], [], /^no valid verdict for finding 1, 2$/],
    ["one is there twice", [one, two, { ...one, verdict: "ignore" }], [1, 2], /more than one/],
    ["one is foreign", [one, two, { ...one, findingId: "77" }], [1, 2], /no finding "77"/],
    ["one is no id", [one, two, { ...one, findingId: "" }], [1, 2], /no finding ""/],
    ["a verdict is unknown", [{ ...one, verdict: "delete" }, two], [2], /verdicts\[0\]\.verdict/],
    ["one is not an object", [one, "ignore"], [1], /verdicts\[1\]/],
    ["one is null", [null, two], [2], /verdicts\[0\]/],
    ["an id is an object", [one, { ...two, findingId: {} }], [1], /verdicts\[1\]\.findingId/],
    ["words are not text", [{ ...one, message: 5 }, two], [2], /verdicts\[0\]\.message/],
  ])("keeps what is valid and says what is not: %s", (_, verdicts, valid, problem) => {
    const report = readReport({ verdicts }, ids);
    expect([...report.verdicts.keys()].toSorted()).toEqual(valid);
    expect(report.problems.join("\n")).toMatch(problem);
  });

  it("lets the first of two verdicts on a finding stand", () => {
    const report = readReport({ verdicts: [one, { ...one, verdict: "ignore" }, two] }, ids);
    expect(report.verdicts.get(1)).toEqual({
      verdict: "notify",
      message: "Call Ann.",
      effects: [],
    });
  });

  it.each([[undefined], [null], ["text"], [[]], [{}], [{ verdicts: {} }], [{ verdicts: null }]])(
    "has nothing of %j, and says so",
    (input) => {
      const report = readReport(input, ids);
      expect(report.verdicts.size).toBe(0);
      expect(report.problems).toEqual(["`verdicts` must be an array"]);
    },
  );

  it.each([[5], [{ text: "x" }], [["x"]]])(
    "does not lose verdicts to a summary of %j",
    (summary) => {
      expect(readReport({ verdicts: [one, two], summary }, ids)).toMatchObject({
        summary: null,
        problems: [],
      });
    },
  );

  it("makes the model's words plain and bounds them", () => {
    const summary = `\u001b[2Jdone\n${"x".repeat(5_000)}`;
    const message = `see \u202eevil\u0007 ${"y".repeat(9_000)}`;
    const report = readReport({ verdicts: [{ ...one, message }, two], summary }, ids);
    expect(report.problems).toEqual([]);
    expect(report.summary).toHaveLength(500);
    expect(report.summary).toMatch(/^\[2Jdone x+…$/);
    expect(report.verdicts.get(1)?.message).toHaveLength(2_000);
    expect(report.verdicts.get(1)?.message).toMatch(/^see evil y+…$/);
  });

  it("stays short about a report that is all wrong, and keeps what is missing for last", () => {
    const verdicts = Array.from({ length: 50_000 }, () => ({ findingId: "z".repeat(500) }));
    const { problems } = readReport({ verdicts }, ids);
    expect(problems).toHaveLength(21);
    expect(problems.join("; ").length).toBeLessThan(4_000);
    expect(problems.at(-2)).toBe("49981 more like these");
    expect(problems.at(-1)).toBe("no valid verdict for finding 1, 2");
  });

  it("never throws, and has verdicts only for findings of the run", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ verdicts: fc.anything() })), (input) => {
        const report = readReport(input, ids);
        expect([...report.verdicts.keys()].every((id) => ids.includes(id))).toBe(true);
        expect(report.problems.length > 0).toBe(report.verdicts.size < ids.length);
      }),
    );
  });
});

it("describes for the model what it reads", () => {
  expect(reportTool).toMatchObject({
    name: "report",
    input_schema: { type: "object", required: ["verdicts"] },
  });
});
