import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideHealth, healthSchema, wellHealth } from "./health.ts";
import type { Health, HealthDecision, Thresholds } from "./health.ts";
import type { ProbeResult } from "./probes/probe.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 20, 12);
const probes: Record<string, ProbeResult> = {
  o: { ok: true, ms: 5, detail: "HTTP 200" },
  e: { ok: false, ms: 5, fault: "expiry", reason: "certificate expires in 5 days" },
  s: { ok: false, ms: 900, fault: "slow", reason: "answered after 900 ms, more than 800 ms" },
  r: { ok: false, ms: 1, fault: "down", reason: "connection refused" },
  t: { ok: false, ms: 10_000, fault: "down", reason: "timed out after 10s" },
};

/** One letter per probe, a minute apart. */
function play(letters: string, thresholds: Thresholds): HealthDecision[] {
  let health: Health = wellHealth;
  return [...letters].map((letter, index) => {
    const probe = probes[letter];
    if (!probe) throw new Error(`no probe is written ${letter}`);
    const decision = decideHealth(health, probe, thresholds, start + index * minute);
    // As the store does between two looks.
    health = healthSchema.parse(JSON.parse(JSON.stringify(decision.health)));
    return decision;
  });
}

const sketch = (decisions: HealthDecision[]): string =>
  decisions
    .map((decision) =>
      decision.kind === "down" ? (decision.trouble.fault === "down" ? "D" : "S") : decision.kind[0],
    )
    .join("");

describe("decideHealth", () => {
  const usual = { failureThreshold: 3, successThreshold: 2 };
  const eager = { failureThreshold: 1, successThreshold: 1 };
  // w: well, d: doubt, D: down, S: slow
  it.each([
    ["is down at the third failure in a row", "rrrr", usual, "ddDD"],
    ["starts to count anew after a success", "rrorror", usual, "ddwddwd"],
    ["is up again at the second success in a row", "rrroo", usual, "ddDDw"],
    ["stays down when a failure breaks the successes", "rrrororoo", usual, "ddDDDDDDw"],
    ["needs the full count again after it was up", "rrroorr", usual, "ddDDwdd"],
    ["is slow when all failures are slowness", "ssss", usual, "ddSS"],
    ["is down when one failure of three was worse", "srs", usual, "ddD"],
    ["goes from slow to down at the first worse failure", "sssr", usual, "ddSD"],
    ["does not go back from down to slow", "rrrsss", usual, "ddDDDD"],
    ["takes a certificate that runs out for an answer", "eererr", usual, "wwdwdd"],
    ["opens and closes at once with thresholds of one", "rosoro", eager, "DwSwDw"],
  ] as const)("%s", (_, letters, thresholds, expected) => {
    expect(sketch(play(letters, thresholds))).toBe(expected);
  });

  it("keeps the time of the first failure and the reason of the last as bad one", () => {
    const last = play("osrtso", usual).at(-1);
    expect(last).toMatchObject({
      kind: "down",
      trouble: {
        fault: "down",
        since: start + minute,
        failures: 4,
        lastReason: "timed out after 10s",
      },
    });
  });

  it("obeys thresholds that were changed while it was failing", () => {
    const { health } = play("rr", usual)[1] ?? {};
    const probe = probes["r"];
    if (!health || !probe) throw new Error("nothing was played");
    expect(decideHealth(health, probe, { ...usual, failureThreshold: 5 }, start).kind).toBe(
      "doubt",
    );
  });

  const letters = fc.string({ unit: fc.constantFrom("o", "e", "s", "r", "t"), maxLength: 60 });
  const thresholds = fc.record({
    failureThreshold: fc.integer({ min: 1, max: 6 }),
    successThreshold: fc.integer({ min: 1, max: 6 }),
  });
  const failed = (letter: string | undefined): boolean =>
    letter !== undefined && "srt".includes(letter);

  it("is never down before as many failures in a row as asked, and then at once", () => {
    fc.assert(
      fc.property(letters, thresholds, (text, limits) => {
        let row = 0;
        let down = false;
        for (const [index, decision] of play(text, limits).entries()) {
          row = failed(text[index]) ? row + 1 : 0;
          if (!down) expect(decision.kind === "down").toBe(row >= limits.failureThreshold);
          down = decision.kind === "down";
        }
      }),
    );
  });

  it("is up again exactly when as many successes in a row as asked were seen", () => {
    fc.assert(
      fc.property(letters, thresholds, (text, limits) => {
        let row = 0;
        let down = false;
        for (const [index, decision] of play(text, limits).entries()) {
          row = failed(text[index]) ? 0 : row + 1;
          if (down) expect(decision.kind !== "down").toBe(row >= limits.successThreshold);
          down = decision.kind === "down";
        }
      }),
    );
  });

  it("keeps one beginning through an incident, and gets worse at most once", () => {
    fc.assert(
      fc.property(letters, thresholds, (text, limits) => {
        let before: HealthDecision | undefined;
        for (const [index, decision] of play(text, limits).entries()) {
          if (decision.kind === "down") {
            expect(decision.trouble.since).toBeLessThanOrEqual(start + index * minute);
            if (before?.kind === "down") {
              expect(decision.trouble.since).toBe(before.trouble.since);
              if (before.trouble.fault === "down") expect(decision.trouble.fault).toBe("down");
            }
          }
          before = decision;
        }
      }),
    );
  });
});
