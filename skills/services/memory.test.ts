import { describe, expect, it } from "vitest";
import { look as lookOnce } from "watchkeeper/testing";
import skill from "./index.ts";
import { judge } from "./judge.ts";
import { readMemory, recall } from "./memory.ts";
import type { Memory } from "./memory.ts";
import type { ProbeResult } from "./probes/probe.ts";
import { targetOf } from "./services-fixture.ts";
import type { Target } from "./target.ts";

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2026, 10, 20, 12);
const good: ProbeResult = { ok: true, ms: 1, detail: "HTTP 200" };
const bad: ProbeResult = { ok: false, ms: 1, fault: "down", reason: "connection refused" };

const api = targetOf({ tcp: "api.example.com:1", reminder: "1h" });

function look(target: Target, cursor: unknown, now: number, probe: ProbeResult): Memory {
  const { memory } = judge(target, recall(cursor, target, now), { now, probe, setAside: null });
  return JSON.parse(JSON.stringify(memory)) as Memory;
}

function looks(target: Target, letters: string, from = start, cursor: unknown = null): Memory {
  let memory = cursor as Memory;
  for (const [index, letter] of [...letters].entries()) {
    memory = look(target, memory, from + index * minute, letter === "S" ? good : bad);
  }
  return memory;
}

describe("what is remembered of a target", () => {
  it("is each incident with its start, end and cause", () => {
    const memory = looks(api, "SFFFFSSSFFSFFF");
    expect(memory.incidents).toEqual([
      {
        start: start + minute,
        end: start + 6 * minute,
        fault: "down",
        reason: "connection refused",
        restarts: 0,
      },
      {
        start: start + 11 * minute,
        end: null,
        fault: "down",
        reason: "connection refused",
        restarts: 0,
      },
    ]);
  });

  it("goes on through a restart of the daemon in the middle of an incident", () => {
    const before = looks(api, "SFFF");
    const later = start + 3 * hour;
    const after = looks(api, "FSS", later, before);
    expect(after.incidents).toMatchObject([{ start: start + minute, end: later + 2 * minute }]);
    expect(after.gap).toEqual({ from: start + 3 * minute, to: later });
  });

  it("begins anew for another address under the same name, and keeps the history", () => {
    const before = looks(api, "FFF");
    const moved = targetOf({ tcp: "api.example.com:2" });
    const memory = look(moved, before, start + 5 * minute, bad);
    expect(memory.health).toMatchObject({ state: "up", trouble: { failures: 1 } });
    expect(memory.incidents).toMatchObject([{ start, end: start + 5 * minute }]);
    expect(memory.uptime.from).toBe(start);
  });

  it("gives a report its whole time when a target becomes one that reports", async () => {
    const before = looks(api, "SSS");
    const config = { targets: [{ name: "api", push: { every: "1h", grace: "5m" } }] };
    const at = (now: number, cursor: unknown) =>
      lookOnce(skill, "api", { config, cursor, now: new Date(now) });
    const first = await at(start + 30 * 24 * hour, before);
    const { observations } = await at(start + 30 * 24 * hour + 30 * minute, first.cursor);
    expect([first.observations, observations]).toEqual([[], []]);
  });

  it("does not wait for times that a clock set back has left in the future", () => {
    const before = looks(api, "FFF", start + 10 * hour);
    const after = looks(api, `F${"F".repeat(70)}`, start, before);
    expect(after.said).toEqual({ at: start + hour, reminders: 1 });
    expect(after.health.trouble?.since).toBe(start);
  });

  it.each([null, "down", { state: "up", trouble: null }, { version: 2 }])(
    "begins anew with a cursor that is not ours: %o",
    (cursor) => {
      expect(readMemory(cursor)).toBeUndefined();
      expect(recall(cursor, api, start)).toMatchObject({ health: { state: "up" }, incidents: [] });
    },
  );

  it("stays small in the worst of years", () => {
    const eager = targetOf({ tcp: "a.example:1", failureThreshold: 1, successThreshold: 1 });
    const talkative: ProbeResult = { ...bad, reason: "x".repeat(1_000) };
    let memory = recall(null, eager, start);
    for (let index = 0; index < 9_000; index += 1) {
      const now = start + index * hour;
      const probe = index % 2 === 0 ? talkative : good;
      memory = judge(eager, memory, { now, probe, setAside: null }).memory;
    }
    expect(JSON.stringify(memory).length).toBeLessThan(75_000);
    expect(readMemory(JSON.parse(JSON.stringify(memory)))).toEqual(memory);
  });

  it("stays small however often it went down", () => {
    const eager = targetOf({ tcp: "a.example:1", failureThreshold: 1, successThreshold: 1 });
    const memory = looks(eager, "FS".repeat(500));
    expect(memory.incidents).toHaveLength(100);
    expect(JSON.stringify(memory).length).toBeLessThan(20_000);
    expect(JSON.stringify(looks(api, "S".repeat(100))).length).toBeLessThan(600);
  });
});

describe("a restart by rule", () => {
  const rule = { command: ["true"], auto: true, maxPerHour: 2 };
  const restarted = (target: Target, letters: string): string => {
    let cursor: unknown = null;
    return [...letters]
      .map((letter, index) => {
        const now = start + index * minute;
        const probe: ProbeResult =
          letter === "S" ? good : letter === "L" ? { ...bad, fault: "slow" } : bad;
        const setAside = letter === "P" ? "it depends on router, which is down" : null;
        const judged = judge(target, recall(cursor, target, now), { now, probe, setAside });
        cursor = JSON.parse(JSON.stringify(judged.memory));
        return judged.restart ? "R" : ".";
      })
      .join("");
  };

  it.each([
    [
      "when it is down, and again after as many failures, within the limit",
      "FFFFFFFFFFFF",
      "..R..R......",
    ],
    ["not for a doubt", "FFSFFS", "......"],
    ["not when it is only slow", "LLLLLL", "......"],
    ["not while another is to blame", "PPPPPP", "......"],
    ["not for a look that went well in between", "FFFSFSFF", "..R....R"],
    ["once for each of two incidents", "FFFSSFFF", "..R....R"],
  ])("is asked for %s", (_, letters, expected) => {
    const target = targetOf({ tcp: "a.example:1", restart: rule });
    expect(restarted(target, letters)).toBe(expected);
  });

  it("is asked for again after an hour", () => {
    const target = targetOf({ tcp: "a.example:1", restart: { ...rule, maxPerHour: 1 } });
    expect(restarted(target, "F".repeat(64)).indexOf("R", 3)).toBe(62);
  });

  it("is not asked for where the owner wants to be asked, and never twice with one key", () => {
    const asked = targetOf({ tcp: "a.example:1", restart: { command: ["true"] } });
    expect(restarted(asked, "FFFFFF")).toBe("......");
    const target = targetOf({ tcp: "a.example:1", restart: { ...rule, maxPerHour: 60 } });
    const keys = new Set<string>();
    let cursor: unknown = null;
    for (let index = 0; index < 30; index += 1) {
      const now = start + index * minute;
      const before = recall(cursor, target, now);
      const judged = judge(target, before, { now, probe: bad, setAside: null });
      // The same look made again, after a kill, names the same occasion.
      const again = judge(target, recall(cursor, target, now), { now, probe: bad, setAside: null });
      expect(again.restart).toEqual(judged.restart);
      if (judged.restart) keys.add(judged.restart.occasion);
      cursor = judged.memory;
    }
    expect(keys.size).toBe(10);
  });
});
