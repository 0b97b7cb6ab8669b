import { describe, expect, it } from "vitest";
import type { ObservationInput, ObserveResult } from "../skills/define.ts";
import { silentSkillLog, type LoadedCheck } from "../skills/load.ts";
import { commit, observation, openTemporaryStore, seen } from "../store/store-fixture.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { dryRun } from "./dry-run.ts";

const attention = {
  quietHours: null,
  timezone: "UTC",
  digestAt: "08:30",
  interruptionsPerDay: 8,
};

const scrub = (text: string): string => text;

const clock = () => new FakeClock("2026-11-23T10:00:00Z");

function checkOf(name: string, look: () => ObserveResult | Promise<ObserveResult>): LoadedCheck {
  return {
    name,
    skill: name.split("/")[0] ?? "",
    schedule: { kind: "interval", everyMs: 60_000 },
    timeoutMs: 20_000,
    log: silentSkillLog(),
    observe: async () => look(),
  };
}

const observed = (key: string, changes: Partial<ObservationInput> = {}): ObservationInput => {
  const title = changes.title ?? `title of ${key}`;
  return { key, severity: "notice", title, fingerprint: title, ...changes };
};

describe("a dry run", () => {
  it("finds everything new where nothing was ever saved, and says what would be told", async () => {
    const check = checkOf("web/api", () => ({
      observations: [
        observed("a", { severity: "critical" }),
        observed("b"),
        observed("c", { severity: "info" }),
      ],
      notes: ["4 left alone"],
    }));
    const [look] = await dryRun([check], {
      store: undefined,
      clock: clock(),
      attention,
      scrub,
      tools: new Map(),
    });
    expect(look).toMatchObject({
      name: "web/api",
      outcome: "ok",
      notes: ["4 left alone"],
      findings: [
        { key: "a", state: "opened", wouldBe: "told at once", why: "critical: told at once" },
        { key: "b", wouldBe: "in the digest", why: "notice: waits for the digest at 08:30" },
        { key: "c", wouldBe: "kept in the log" },
      ],
    });
  });

  it("compares with what is known, from the check's own cursor, and changes nothing", async () => {
    const { store, sql } = await openTemporaryStore();
    const keys = ["same", "changed", "gone", "told", "closing"];
    const before = keys.map((key) =>
      observation(key, key === "closing" ? { closesAt: 1_000 } : { severity: "warning" }),
    );
    await commit(store, seen("web/api", 1, before, { cursor: "bookmark" }));
    await store.applyVerdicts({
      at: 2,
      notifications: [],
      verdicts: [
        {
          findingId: 4,
          revision: 1,
          verdict: "notify",
          decidedBy: "rules",
          message: null,
          told: true,
        },
      ],
    });
    const dump = () => JSON.stringify(sql.prepare("select * from findings").all());
    const saved = dump();
    const cursors: unknown[] = [];
    const check: LoadedCheck = {
      ...checkOf("web/api", () => ({ observations: [] })),
      async observe({ cursor }) {
        cursors.push(cursor);
        return {
          observations: [
            observed("same", { severity: "warning" }),
            observed("changed", { severity: "info", title: "better" }),
            observed("new", { severity: "warning" }),
          ],
          complete: true,
          cursor: "next",
        };
      },
    };
    const [look] = await dryRun([check], {
      store,
      clock: clock(),
      attention,
      scrub,
      tools: new Map(),
    });
    expect(cursors).toEqual(["bookmark"]);
    expect(
      look?.findings.map(({ state, key, wouldBe, why }) => [state, key, wouldBe, why]),
    ).toEqual([
      ["changed", "changed", "kept in the log", "info: kept in the log"],
      ["opened", "new", "told at once", "warning: told at once"],
      ["resolved", "gone", "told at once", "over; warning: told at once"],
      ["resolved", "told", "told at once", "over, and you were told that it began"],
    ]);
    expect(dump()).toBe(saved);
    expect(await store.checkCursor("web/api")).toBe("bookmark");
    expect((await store.listBeats({ limit: 9 })).length).toBe(1);
  });

  it("knows what the owner has put aside, and that another end is no news", async () => {
    const { store } = await openTemporaryStore();
    const keys = ["acked", "worse", "over", "later"];
    await commit(
      store,
      seen(
        "web/api",
        1,
        keys.map((key) => observation(key)),
      ),
    );
    for (const id of [1, 2, 3]) await store.acknowledge(id, 2);
    const check = checkOf("web/api", () => ({
      observations: [
        observed("acked", { title: "new words" }),
        observed("worse", { title: "worse", severity: "critical" }),
        observed("later", { closesAt: new Date("2027-01-01T00:00:00Z") }),
      ],
      gone: ["over"],
    }));
    const [look] = await dryRun([check], {
      store,
      clock: clock(),
      attention,
      scrub,
      tools: new Map(),
    });
    const aside = { wouldBe: "kept in the log", why: "you have acknowledged or snoozed it" };
    expect(look?.findings).toMatchObject([
      { key: "acked", state: "changed", ...aside },
      { key: "worse", state: "changed", wouldBe: "told at once" },
      { key: "over", state: "resolved", ...aside },
    ]);
  });

  it("shows a failing and a hanging check beside the others", async () => {
    const time = clock();
    const running = dryRun(
      [
        checkOf("web/api", () => Promise.reject(new Error("no answer"))),
        checkOf("web/shop", () => new Promise<never>(() => undefined)),
        checkOf("mail/work", () => ({ observations: [observed("m")] })),
      ],
      { store: undefined, clock: time, attention, scrub, tools: new Map() },
    );
    await time.advance(20_000);
    expect(await running).toMatchObject([
      { name: "web/api", outcome: "failed", error: "no answer", findings: [] },
      { name: "web/shop", outcome: "timeout", error: "took longer than 20s", durationMs: 20_000 },
      { name: "mail/work", outcome: "ok", findings: [{ key: "m" }] },
    ]);
  });

  it("takes a check that knows more than SQLite takes parameters", async () => {
    const { store } = await openTemporaryStore();
    const many = Array.from({ length: 35_000 }, (_, index) => observation(`m${index}`));
    await commit(store, seen("mail/work", 1, many));
    const check = checkOf("mail/work", () => ({ observations: [], complete: true }));
    const [look] = await dryRun([check], {
      store,
      clock: clock(),
      attention,
      scrub,
      tools: new Map(),
    });
    expect(look).toMatchObject({ outcome: "ok" });
    expect(look?.findings).toHaveLength(35_000);
  });
});
