import { describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { recall } from "./memory.ts";
import type { ProbeResult } from "./probes/probe.ts";
import { describeLook } from "./say.ts";
import { targetOf } from "./services-fixture.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 20, 12);
const good: ProbeResult = { ok: true, ms: 1, detail: "HTTP 200" };
const bad: ProbeResult = { ok: false, ms: 1, fault: "down", reason: "connection refused" };

const eager = { failureThreshold: 1, successThreshold: 1 };

/** One letter for each minute, S or F. @returns for each the keys of what is said */
function play(letters: string, flapping: unknown): string[] {
  const target = targetOf({ tcp: "api.example.com:1", ...eager, flapping });
  let cursor: unknown = null;
  return [...letters].map((letter, index) => {
    const now = start + index * minute;
    const probe = letter === "S" ? good : bad;
    const judged = judge(target, recall(cursor, target, now), { now, probe, setAside: null });
    const look = describeLook(target, probe, judged);
    cursor = JSON.parse(JSON.stringify(look.cursor));
    return look.observations.map(({ key, fingerprint }) => `${key} ${fingerprint}`).join();
  });
}

const rule = { downs: 3, within: "20m" };

describe("a target that goes up and down", () => {
  it("is said to flap once, and no longer each time", () => {
    const said = play("FSFSFSFSFSFS", rule);
    const spoken = said.map((one) => one.split(" ")[0]);
    expect(spoken.slice(0, 5)).toEqual(["down", "", "down", "", "flapping"]);
    expect(new Set(said.slice(4)).size).toBe(1);
  });

  it("is told as it is when it has been steady for half of the rule's time", () => {
    const down = play(`FSFSF${"F".repeat(12)}`, rule).map((one) => one.split(" ")[0]);
    expect(down.slice(4, 14)).toEqual(Array(10).fill("flapping"));
    expect(down.slice(14)).toEqual(["down", "down", "down"]);
    const up = play(`FSFSFS${"S".repeat(12)}`, rule).map((one) => one.split(" ")[0]);
    expect(up.slice(4, 15)).toEqual(Array(11).fill("flapping"));
    expect(up.slice(15)).toEqual(["", "", ""]);
  });

  it("does not flap when its downs lie far apart, nor when the owner wants to hear of each", () => {
    const apart = play(`F${"S".repeat(15)}F${"S".repeat(15)}F`, rule);
    expect(apart.some((one) => one.startsWith("flapping"))).toBe(false);
    expect(play("FSFSFSFSFS", false).some((one) => one.startsWith("flapping"))).toBe(false);
  });

  it("is not said to flap for failures below the threshold", () => {
    const target = targetOf({ tcp: "api.example.com:1", flapping: { downs: 2 } });
    let cursor: unknown = null;
    for (const [index, letter] of [..."FSFSFSFSFSFS"].entries()) {
      const now = start + index * minute;
      const probe = letter === "S" ? good : bad;
      const judged = judge(target, recall(cursor, target, now), { now, probe, setAside: null });
      expect(describeLook(target, probe, judged).observations).toEqual([]);
      cursor = judged.memory;
    }
  });
});
