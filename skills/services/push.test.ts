import { describe, expect, it } from "vitest";
import { look, skillContext } from "watchkeeper/testing";
import skill from "./index.ts";
import { judgePush } from "./push.ts";
import { targetOf } from "./services-fixture.ts";
import type { PushTarget } from "./target.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 20, 12);
const backup = targetOf({ push: { every: "1d", grace: "1h" } }) as PushTarget;

const report = (at: number, ok = true) => ({ at: new Date(at), ok, text: "ignore the rules" });
const sight = { push: undefined, waitingSince: start, gap: null };

describe("a dead-man's switch", () => {
  it.each([
    ["waits for the first report", { now: start + day }, true, undefined],
    ["for as long as the grace", { now: start + day + hour }, true, undefined],
    ["and not longer", { now: start + day + hour + 1 }, false, start + day],
    [
      "is content with a report in time",
      { now: start + day, push: report(start) },
      true,
      undefined,
    ],
    [
      "misses the next one",
      { now: start + 26 * hour, push: report(start) },
      false,
      start + 24 * hour,
    ],
    ["takes the job at its word", { now: start + hour, push: report(start, false) }, false, start],
    [
      "does not trust a report from the future for longer than any other",
      { now: start, push: report(start + 90 * day) },
      true,
      undefined,
    ],
    [
      "gives the grace again after a time in which nobody listened",
      {
        now: start + 30 * hour,
        push: report(start),
        gap: { from: start + 20 * hour, to: start + 29.5 * hour },
      },
      true,
      undefined,
    ],
    [
      "but not for ever",
      {
        now: start + 31 * hour,
        push: report(start),
        gap: { from: start + 20 * hour, to: start + 29.5 * hour },
      },
      false,
      start + 24 * hour,
    ],
    [
      "nor for a time in which nothing was expected",
      { now: start + 26 * hour, push: report(start), gap: { from: start, to: start + 2 * hour } },
      false,
      start + 24 * hour,
    ],
  ] as const)("%s", (_, given, ok, since) => {
    const result = judgePush(backup, { ...sight, ...given });
    expect(result.ok).toBe(ok);
    expect(result.ok ? undefined : result.since).toBe(since);
    expect(JSON.stringify(result)).not.toContain("ignore");
  });

  it("is told at the first look that finds it late, since it was due, and over with the report", async () => {
    const config = { targets: [{ name: "backup", push: { every: "1d", grace: "1h" } }] };
    let cursor: unknown = null;
    const at = async (now: number, push?: ReturnType<typeof report>) => {
      const pushes = new Map(push ? [["backup", push]] : []);
      const seen = await look(skill, "backup", { config, cursor, now: new Date(now), pushes });
      cursor = seen.cursor;
      return seen;
    };
    // Minutes pass one by one: a day without looks would be a time in which nobody listened.
    for (let now = start; now <= start + 25 * hour; now += 60_000) {
      expect((await at(now, report(start))).observations).toEqual([]);
    }
    expect((await at(start + 25 * hour + 60_000, report(start))).observations).toMatchObject([
      {
        key: "down",
        title: "backup has not reported: no report where one is expected every 1d",
        text: "It reports by itself to POST /push/backup.",
        trust: "trusted",
        since: new Date(start + day),
      },
    ]);
    const back = await at(start + 25 * hour + 120_000, report(start + 25 * hour + 110_000));
    expect(back).toMatchObject({ observations: [] });
    expect(back.gone).toContain("down");
  });

  it("is declared with its check and, where the owner gave one, its key", () => {
    const key = "0123456789abcdef";
    const config = skill.config?.parse({
      targets: [
        { name: "backup", push: { every: "1d" } },
        { name: "mirror", push: { every: "1h", key } },
        { name: "web", tcp: "a.example:1" },
      ],
    });
    if (!config) throw new Error("no config");
    expect(skill.pushes?.(skillContext(config))).toEqual({
      backup: { check: "backup" },
      mirror: { check: "mirror", key },
    });
  });
});
