import { describe, expect, it } from "vitest";
import {
  commit,
  observation,
  openTemporaryStore,
  registerUsualChecks,
  seen,
} from "./store-fixture.ts";

const daemon = { pid: 42, version: "1.2.3", heartbeatMs: 300_000 };

describe("beats", () => {
  it("keep their receipt: lines, findings once each, error", async () => {
    const { store } = await openTemporaryStore();
    const id = await store.beginBeat({ trigger: "manual", at: 10 });
    expect(await store.getBeat(id)).toMatchObject({ outcome: null, finishedAt: null, checks: [] });
    const inBeat = (at: number, title: string) => ({
      ...seen("web/api", at, [observation("a", { title })]),
      beatId: id,
    });
    await commit(store, inBeat(11, "one"), inBeat(12, "two"));
    const checks = [
      { name: "web/api", outcome: "ok", durationMs: 3, error: null, notes: ["2 left alone"] },
      { name: "web/shop", outcome: "timeout", durationMs: 9, error: "too late" },
    ] as const;
    await store.finishBeat(id, { at: 20, outcome: "found", checks, error: null });
    expect(await store.getBeat(id)).toEqual({
      id,
      trigger: "manual",
      outcome: "found",
      startedAt: 10,
      finishedAt: 20,
      missedCount: null,
      checks,
      findings: [1],
      runId: null,
      costUsd: 0,
      error: null,
    });
    expect(await store.getBeat(99)).toBeUndefined();
  });

  it("enter a look that ended after them, and that it found something", async () => {
    const { store } = await openTemporaryStore();
    const late = { name: "web/shop", outcome: "late", durationMs: 9, error: null } as const;
    const ok = { name: "web/api", outcome: "ok", durationMs: 3, error: null } as const;
    await store.finishBeat(1, { at: 20, outcome: "quiet", checks: [ok, late], error: null });
    const line = { ...late, outcome: "timeout", error: "too late" } as const;
    await store.amendBeat(1, { line, found: false });
    expect(await store.getBeat(1)).toMatchObject({ outcome: "quiet", checks: [ok, line] });
    await store.amendBeat(1, { line, found: true });
    expect(await store.getBeat(1)).toMatchObject({ outcome: "found" });
    await store.amendBeat(99, { line, found: true });
    expect(await store.getBeat(99)).toBeUndefined();
  });

  it("that were missed are one row, and not the last beat", async () => {
    const { store } = await openTemporaryStore();
    const id = await store.recordMissed({ from: 100, to: 900, count: 8 });
    expect(await store.getBeat(id)).toMatchObject({
      trigger: "catch-up",
      outcome: "missed",
      startedAt: 100,
      finishedAt: 900,
      missedCount: 8,
    });
    expect((await store.status()).lastBeat).toMatchObject({ id: 1 });
    expect((await store.listBeats({ limit: 1 })).map((beat) => beat.id)).toEqual([id]);
  });

  it("are listed by the ten thousand", async () => {
    const { store, sql } = await openTemporaryStore();
    sql.exec(`insert into beats (trigger, outcome, started_at, finished_at)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
      select 'schedule', 'quiet', i, i from n`);
    expect(await store.listBeats({ limit: 50_000 })).toHaveLength(40_001);
  });
});

describe("the daemon's own row", () => {
  it("says who runs, since when, and which skills are off", async () => {
    const { store } = await openTemporaryStore();
    expect((await store.status()).daemon).toBeNull();
    const skillsOff = [{ name: "broken", error: "a typo" }];
    await store.recordStart({ ...daemon, at: 5 });
    await store.recordSkillsOff(skillsOff);
    expect((await store.status()).daemon).toMatchObject({
      ...daemon,
      skillsOff,
      startedAt: 5,
      stoppedAt: null,
    });
    await store.recordWeb({ url: "http://127.0.0.1:7373" });
    await store.recordStop(9);
    expect((await store.status()).daemon).toMatchObject({
      stoppedAt: 9,
      webUrl: "http://127.0.0.1:7373",
      webOff: null,
      timezone: null,
    });
    await store.recordWeb({ off: "the port is taken" });
    expect((await store.status()).daemon).toMatchObject({
      webUrl: null,
      webOff: "the port is taken",
    });
    await store.recordStart({ ...daemon, pid: 43, at: 12 });
    expect((await store.status()).daemon).toMatchObject({
      pid: 43,
      startedAt: 12,
      stoppedAt: null,
      skillsOff: [],
      webUrl: null,
      webOff: null,
      timezone: null,
    });
  });
});

const usual = { at: 2_000, keepSkills: [] };

describe("registered checks", () => {
  it("that are taken out close their findings without a word, their blindness too", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("mail/work", 1_000, [observation("a")]));
    await store.registerChecks([], usual);
    expect(await store.pendingFindings(10)).toEqual([]);
    expect(await store.listFindings({ all: false, limit: 10 })).toEqual([]);
    expect(await store.listFindings({ all: true, limit: 10 })).toMatchObject([
      { key: "a", status: "resolved", resolvedAt: 2_000 },
    ]);
  });

  it("are due at once when new or rescheduled, and keep their time otherwise", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("mail/work", 1_000, []), seen("web/api", 1_000, []));
    const records = await store.registerChecks(
      [
        { name: "mail/work", skill: "mail", schedule: "every 1m" },
        { name: "web/api", skill: "web", schedule: "every 5m" },
        { name: "new/one", skill: "new", schedule: "every 1m" },
      ],
      usual,
    );
    expect(records).toMatchObject([
      { name: "mail/work", nextDueAt: 61_000, lastOkAt: 1_000, enabled: true },
      { name: "new/one", nextDueAt: null, lastRunAt: null, status: "ok" },
      { name: "web/api", nextDueAt: null, lastOkAt: 1_000, schedule: "every 5m" },
    ]);
  });

  it("that are no longer named are switched off, and remember what they saw when they come back", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("mail/work", 1_000, [observation("a")], { cursor: 7 }));
    expect(await store.registerChecks([], { at: 2_000, keepSkills: ["mail"] })).toEqual([]);
    expect((await store.status()).checks.map(({ enabled }) => enabled)).toEqual([
      false,
      false,
      false,
    ]);
    expect((await registerUsualChecks(store)).map(({ enabled }) => enabled)).toEqual([
      true,
      true,
      true,
    ]);
    expect(await store.checkCursor("mail/work")).toBe(7);
    expect(await commit(store, seen("mail/work", 2_000, [observation("a")]))).toEqual([]);
  });
});
