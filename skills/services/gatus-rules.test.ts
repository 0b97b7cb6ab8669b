import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { recall } from "./memory.ts";
import type { ProbeResult } from "./probes/probe.ts";
import { targetOf } from "./services-fixture.ts";

/**
 * When something is said of a target: the documented rules of Gatus for failure-threshold,
 * success-threshold, minimum-reminder-interval and maintenance windows, and of its checker of the
 * connection; a dead parent counts like a lost connection.
 */

const minute = 60_000;
const start = Date.UTC(2026, 10, 20, 12);
const good: ProbeResult = { ok: true, ms: 1, detail: "HTTP 200" };
const bad: ProbeResult = { ok: false, ms: 1, fault: "down", reason: "connection refused" };

interface Rules {
  readonly failures: number;
  readonly successes: number;
  /** In minutes. */
  readonly reminder?: number;
}

/**
 * One letter for each minute: S success, F failure; M and m success and failure in planned
 * maintenance; P and C failure while the parent, or the connection, is gone too.
 * @returns T told that it is down, R reminded, V told that it is over, . nothing
 */
function play(letters: string, { failures, successes, reminder }: Rules): string {
  const target = targetOf({
    tcp: "api.example.com:1",
    failureThreshold: failures,
    successThreshold: successes,
    flapping: false,
    ...(reminder !== undefined && { reminder: `${reminder}m` }),
  });
  let cursor: unknown = null;
  let told = false;
  let reminders = 0;
  return [...letters]
    .map((letter, index) => {
      const now = start + index * minute;
      const before = recall(cursor, target, now);
      const probe = "SM".includes(letter) ? good : bad;
      const setAside = "MmPC".includes(letter) ? "it does not count" : null;
      const { memory } = judge(target, before, { now, probe, setAside });
      cursor = JSON.parse(JSON.stringify(memory));
      const tells = memory.said !== null;
      const event = tells === told ? "." : tells ? "T" : "V";
      const reminded = tells && memory.said !== null && memory.said.reminders > reminders;
      reminders = memory.said?.reminders ?? 0;
      told = tells;
      return reminded ? "R" : event;
    })
    .join("");
}

/** The same rules, written down as Gatus documents them. */
function gatus(letters: string, { failures, successes, reminder = 0 }: Rules): string {
  let inRow = { failures: 0, successes: 0 };
  let triggered = false;
  let lastSent = 0;
  return [...letters]
    .map((letter, index) => {
      if ("MmPC".includes(letter)) return ".";
      if (letter === "S") {
        inRow = { failures: 0, successes: inRow.successes + 1 };
        if (!triggered || inRow.successes < successes) return ".";
        triggered = false;
        return "V";
      }
      inRow = { failures: inRow.failures + 1, successes: 0 };
      if (inRow.failures < failures) return ".";
      const isFirst = !triggered;
      if (!isFirst && (reminder === 0 || index - lastSent < reminder)) return ".";
      triggered = true;
      lastSent = index;
      return isFirst ? "T" : "R";
    })
    .join("");
}

const usual = { failures: 3, successes: 2 };
const eager = { failures: 1, successes: 1 };
const reminding = { ...usual, reminder: 5 };

// sequence, thresholds, what is said
const sequences: readonly (readonly [
  about: string,
  letters: string,
  rules: Rules,
  said: string,
])[] = [
  ["all is well", "SSSS", usual, "...."],
  ["two failures are not three", "FFS", usual, "..."],
  ["the third failure in a row", "FFF", usual, "..T"],
  ["said once, however long", "FFFFFF", usual, "..T..."],
  ["a success begins the count anew", "FFSFFSFF", usual, "........"],
  ["three in a row after a success", "FSFFF", usual, "....T"],
  ["one success is not two", "FFFSF", usual, "..T.."],
  ["the second success in a row", "FFFSS", usual, "..T.V"],
  ["a failure breaks the successes", "FFFSFSFSS", usual, "..T.....V"],
  ["over is said once", "FFFSSSS", usual, "..T.V.."],
  ["the full count again after it was up", "FFFSSFFSSFFF", usual, "..T.V......T"],
  ["to and fro below the threshold", "FSFSFSFS", usual, "........"],
  ["to and fro at thresholds of one", "FSFSFS", eager, "TVTVTV"],
  ["thresholds of one", "SFFS", eager, ".T.V"],
  ["a high success threshold", "FSSSSS", { failures: 1, successes: 5 }, "T....V"],
  ["a high failure threshold", "FFFFFS", { failures: 6, successes: 1 }, "......"],
  ["quick to tell, slow to believe", "FSFSFSS", { failures: 1, successes: 2 }, "T.....V"],
  ["slow to tell, quick to believe", "FFFSFF", { failures: 3, successes: 1 }, "..TV.."],
  ["no reminder unless asked for", "FFFFFFFFFF", usual, "..T......."],
  ["a reminder each interval", "FFFFFFFFFFFFF", reminding, "..T....R....R"],
  ["none after it is over", "FFFFSSSSSS", reminding, "..T..V...."],
  ["only with a full count of failures again", "FFFFFFSFFFF", reminding, "..T......R."],
  ["the interval counts from the last word", "FFFFFFFFSFFFF", reminding, "..T....R....R"],
  ["nothing is told in maintenance", "mmmmmm", usual, "......"],
  ["nor counted: the third failure comes after it", "FFmmmF", usual, ".....T"],
  ["nor taken back", "FFFMMMM", usual, "..T...."],
  ["over counts anew after it", "FFFMMSS", usual, "..T...V"],
  ["a dead parent silences its child", "FFPPPPP", usual, "......."],
  ["whose own failures count again when it is back", "PPPPFFF", usual, "......T"],
  ["without a connection nothing is blamed", "FCCCFCF", usual, "......T"],
  ["nor taken back", "FFFCCCSS", usual, "..T....V"],
];

describe("what is said of a sequence of looks", () => {
  it.each(sequences)("%s: %s", (_, letters, rules, said) => {
    expect(play(letters, rules)).toBe(said);
    expect(gatus(letters, rules)).toBe(said);
  });

  it("covers thirty at least", () => {
    expect(sequences.length).toBeGreaterThanOrEqual(30);
  });

  it("is what those rules say of any sequence", () => {
    const letters = fc.string({ unit: fc.constantFrom(..."SSFFFMmPC"), maxLength: 80 });
    const rules = fc.record({
      failures: fc.integer({ min: 1, max: 5 }),
      successes: fc.integer({ min: 1, max: 5 }),
      reminder: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(letters, rules, (text, { reminder, ...thresholds }) => {
        const given = reminder === 0 ? thresholds : { ...thresholds, reminder };
        expect(play(text, given)).toBe(gatus(text, given));
      }),
      { numRuns: 300 },
    );
  });
});
