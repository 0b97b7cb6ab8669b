import { describe, expect, it } from "vitest";
import type { CallPrice, Caps } from "../domain/budget.ts";
import type { NewReservation, Store, Usage } from "./index.ts";
import { commit, observation, openTemporaryStore, seen } from "./store-fixture.ts";

const price: CallPrice = { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 1, cacheWriteHour: 2 };
const wide: Caps = {
  perRunUsd: 100,
  dailyUsd: 100,
  monthlyUsd: 100,
  perRunTokens: 10_000_000,
  dailyTokens: 10_000_000,
};
/** With a reply of 1,000 tokens at most: $0.03 and 11,000 tokens. */
const call = { requestBytes: 10_000, maxTokens: 1_000 };
const usage: Usage = { inputTokens: 3_000, outputTokens: 200, cachedTokens: 50, costUsd: 0.005 };
const worst: Usage = {
  inputTokens: 10_000,
  outputTokens: 1_000,
  cachedTokens: 0,
  costUsd: 0.03,
};

const beginRun = (store: Store, findings: { id: number; revision: number }[] = []) =>
  store.beginRun({
    beatId: 1,
    at: 100,
    model: "claude-test",
    promptVersion: "abc",
    readUntrusted: false,
    findings,
  });

async function runOf(store: Store): Promise<(changes?: Partial<NewReservation>) => NewReservation> {
  const runId = await beginRun(store);
  return (changes = {}) => ({
    ...{ runId, at: 1_000, model: "m", call, price, caps: wide, dayStart: 0, monthStart: 0 },
    ...changes,
  });
}

async function reserve(store: Store, reservation: NewReservation): Promise<number> {
  const reserved = await store.reserveSpend(reservation);
  if (!reserved.ok) throw new Error(reserved.reason);
  return reserved.id;
}

const asTotals = ({ inputTokens, outputTokens, cachedTokens, costUsd }: Usage) => ({
  costUsd,
  tokens: inputTokens + outputTokens + cachedTokens,
});

describe("a clock that is set forward and back", () => {
  const day = 86_400_000;
  const caps = { ...wide, dailyUsd: 0.04 };
  const days = (count: number) => ({
    at: count * day + 1_000,
    dayStart: count * day,
    monthStart: count * day,
  });

  it("gives each day its cap once, and does not take a wrong one's spend for today's", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const ask = (count: number) => store.reserveSpend(reservation({ caps, ...days(count) }));
    expect((await ask(10)).ok).toBe(true);
    expect((await ask(10)).ok).toBe(false);
    expect((await ask(375)).ok).toBe(true);
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await ask(10)).ok).toBe(false);
      expect((await ask(375)).ok).toBe(false);
    }
    // What was spent a year ahead is not spent on each day until then.
    expect((await ask(11)).ok).toBe(true);
  });
});

describe("a call's worst case", () => {
  it("counts against the budget before the call, and as spent only after it", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const id = await reserve(store, reservation());
    const periods = { dayStart: 0, monthStart: 0 };
    expect((await store.budgetUse(periods)).day).toEqual(asTotals(worst));
    expect(await store.spendSince(0)).toEqual({ costUsd: 0, tokens: 0 });

    expect(await store.settleSpend(id, { at: 2_000, usage, atLeast: false })).toEqual({
      settled: usage,
      stopped: null,
    });
    expect((await store.budgetUse(periods)).day).toEqual(asTotals(usage));
    expect(await store.spendSince(0)).toEqual(asTotals(usage));
    expect(await store.getRun(1)).toMatchObject(usage);
  });

  it("is what the call cost when nobody says what it cost, and when only a part is known", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const unknown = await reserve(store, reservation());
    const partial = await reserve(store, reservation());
    await store.settleSpend(unknown, { at: 2_000, usage: null, atLeast: false });
    const end = await store.settleSpend(partial, { at: 2_000, usage, atLeast: true });
    expect(end).toEqual({ settled: worst, stopped: null });
    expect(await store.spendSince(0)).toEqual({ costUsd: 0.06, tokens: 22_000 });
  });

  it("is settled once, whoever settles it again", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const id = await reserve(store, reservation());
    await store.settleSpend(id, { at: 2_000, usage, atLeast: false });
    expect(await store.settleSpend(id, { at: 3_000, usage, atLeast: false })).toBeNull();
    expect(await store.settleSpend(77, { at: 3_000, usage, atLeast: false })).toBeNull();
    expect(await store.getRun(1)).toMatchObject(usage);
  });

  it("belongs to the day the call began, though it ends in the next", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const id = await reserve(store, reservation({ at: 999 }));
    await store.settleSpend(id, { at: 1_001, usage, atLeast: false });
    const { day, month } = await store.budgetUse({ dayStart: 1_000, monthStart: 500 });
    expect(day).toEqual({ costUsd: 0, tokens: 0 });
    expect(month).toEqual(asTotals(usage));
  });

  it("is lowered to what the caps leave, and refused when that is too little", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const caps = { ...wide, dailyUsd: 0.0575 };
    await reserve(store, reservation({ caps }));
    // $0.0275 are left, $0.02 of which the request takes.
    const second = await store.reserveSpend(reservation({ caps }));
    expect(second).toMatchObject({ ok: true, maxTokens: 749 });
    expect(await store.reserveSpend(reservation({ caps }))).toMatchObject({
      ok: false,
      because: "dailyUsd",
      reason: expect.stringContaining("the daily budget of $0.0575 is spent"),
    });
    expect(await store.reserveSpend(reservation({ caps, dayStart: 1_001 }))).toMatchObject({
      ok: true,
      maxTokens: 1_000,
    });
  });

  it("of one run is not held against another run's cap", async () => {
    const { store } = await openTemporaryStore();
    const first = await runOf(store);
    const second = await runOf(store);
    const caps = { ...wide, perRunTokens: 11_000 };
    await reserve(store, first({ caps }));
    expect(await store.reserveSpend(first({ caps }))).toMatchObject({ because: "perRunTokens" });
    await reserve(store, second({ caps }));
  });

  it("settles at the next start when its process was killed", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const id = await reserve(store, reservation());
    await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: 5_000 });
    expect(await store.spendSince(0)).toEqual(asTotals(worst));
    expect(await store.getRun(1)).toMatchObject(worst);
    expect(await store.settleSpend(id, { at: 6_000, usage, atLeast: false })).toBeNull();
  });
});

describe("usage above the worst case", () => {
  const absurd = { ...usage, outputTokens: 900_000, costUsd: 9 };

  it.each([false, true])(
    "is recorded in full and stops its model (a part: %s)",
    async (atLeast) => {
      const { store } = await openTemporaryStore();
      const reservation = await runOf(store);
      const id = await reserve(store, reservation());
      const end = await store.settleSpend(id, { at: 2_000, usage: absurd, atLeast });
      expect(end).toMatchObject({ settled: absurd, stopped: { model: "m", at: 2_000 } });
      expect(await store.spendSince(0)).toEqual(asTotals(absurd));
      expect(await store.reserveSpend(reservation())).toMatchObject({
        ok: false,
        because: "model-stopped",
        reason: expect.stringMatching(/^m billed 903,050 tokens \(\$9\.00\) for a call of at most/),
      });
      await reserve(store, reservation({ model: "another" }));
    },
  );

  it("stops the model until the owner says otherwise", async () => {
    const { store } = await openTemporaryStore();
    const reservation = await runOf(store);
    const id = await reserve(store, reservation());
    await store.settleSpend(id, { at: 2_000, usage: absurd, atLeast: false });
    expect(await store.stoppedModels()).toMatchObject([{ model: "m" }]);
    expect(await store.liftModelStop("m")).toBe(true);
    expect(await store.liftModelStop("m")).toBe(false);
    expect(await store.stoppedModels()).toEqual([]);
    await reserve(store, reservation());
  });
});

it("gives the calls that were paid for, with the skills of their run's findings", async () => {
  const { store } = await openTemporaryStore();
  await commit(
    store,
    seen("web/api", 1, [observation("a"), observation("b")]),
    seen("mail/work", 1, [observation("c")]),
  );
  const runId = await beginRun(store, [
    { id: 1, revision: 1 },
    { id: 2, revision: 1 },
    { id: 3, revision: 1 },
  ]);
  const reservation = { runId, model: "m", call, price, caps: wide, dayStart: 0, monthStart: 0 };
  for (const at of [1_000, 2_000]) {
    const id = await reserve(store, { ...reservation, at });
    await store.settleSpend(id, { at, usage, atLeast: false });
  }
  await reserve(store, { ...reservation, at: 3_000 });
  const skills = { web: 2, mail: 1 };
  expect(await store.spendCalls({ since: 2_000 })).toEqual([
    { runId, at: 2_000, model: "m", skills, ...asTotals(usage) },
  ]);
  expect(await store.spendCalls({ since: 0 })).toHaveLength(2);
  expect(await store.watchingSince()).toBe(0);
});
