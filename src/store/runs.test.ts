import { describe, expect, it } from "vitest";
import type { FindingVerdict, Store } from "./index.ts";
import { commit, observation, openTemporaryStore, seen } from "./store-fixture.ts";

const usage = { inputTokens: 100, outputTokens: 20, cachedTokens: 5, costUsd: 0.25 };
const noWords = { error: null, summary: null, notifications: [] };

async function runOver(store: Store, revisions: Record<number, number>): Promise<number> {
  return store.beginRun({
    beatId: 1,
    at: 100,
    model: "claude-test",
    promptVersion: "abc",
    readUntrusted: false,
    findings: Object.entries(revisions).map(([id, revision]) => ({ id: Number(id), revision })),
  });
}

const judged = (findingId: number, revision: number, told = false): FindingVerdict => ({
  findingId,
  revision,
  verdict: "notify",
  decidedBy: "model",
  message: "Call them.",
  told,
});

async function modelStep(store: Store, runId: number, index: number, startedAt: number) {
  const step = { runId, index, kind: "model", name: "claude-test", startedAt, input: [] } as const;
  const id = await store.beginStep(step);
  await payFor(store, runId, startedAt);
  await store.finishStep(id, { durationMs: 50, output: { ok: true }, error: null, usage });
}

async function payFor(store: Store, runId: number, at: number): Promise<void> {
  const caps = { perRunUsd: 9, dailyUsd: 9, monthlyUsd: 9, perRunTokens: 1e6, dailyTokens: 1e6 };
  const call = { requestBytes: 1_000, maxTokens: 1_000 };
  const price = undefined;
  const reservation = { runId, at, model: "claude-test", call, price, caps };
  const reserved = await store.reserveSpend({ ...reservation, dayStart: 0, monthStart: 0 });
  if (!reserved.ok) throw new Error(reserved.reason);
  await store.settleSpend(reserved.id, { at, usage, atLeast: false });
}

describe("a run", () => {
  it("goes from its beginning to verdicts, with its journal and what it cost", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a"), observation("b")]));
    const id = await runOver(store, { 1: 1, 2: 1 });
    expect(await store.getRun(id)).toMatchObject({ outcome: null, finishedAt: null, steps: [] });

    await modelStep(store, id, 0, 1_000);
    const tool = await store.beginStep({
      runId: id,
      index: 1,
      kind: "tool",
      name: "web_probe",
      startedAt: 1_100,
      input: { target: "api" },
      decision: "allow",
      reason: "reading is allowed",
    });
    expect((await store.getRun(id))?.steps[1]).toMatchObject({ durationMs: null, output: null });
    await store.finishStep(tool, { durationMs: 7, output: null, error: "no answer" });
    await modelStep(store, id, 2, 2_000);
    const notification = {
      kind: "finding",
      state: "ready",
      findings: [1],
      severity: "notice",
      title: "t",
      body: "b",
      why: "w",
      dueAt: 200,
    } as const;
    await store.finishRun(id, {
      at: 200,
      outcome: "ok",
      error: null,
      summary: "All is well.",
      verdicts: [judged(1, 1, true), judged(2, 1)],
      notifications: [notification],
    });

    expect(await store.getRun(id)).toMatchObject({
      id,
      beatId: 1,
      startedAt: 100,
      finishedAt: 200,
      outcome: "ok",
      model: "claude-test",
      promptVersion: "abc",
      readUntrusted: false,
      summary: "All is well.",
      findings: [1, 2],
      inputTokens: 200,
      outputTokens: 40,
      cachedTokens: 10,
      costUsd: 0.5,
      steps: [
        { index: 0, kind: "model", durationMs: 50, output: { ok: true }, ...usage },
        {
          index: 1,
          kind: "tool",
          input: { target: "api" },
          error: "no answer",
          decision: "allow",
          reason: "reading is allowed",
          costUsd: 0,
        },
        { index: 2, kind: "model", durationMs: 50 },
      ],
    });
    expect(await store.getFindings([1, 2])).toMatchObject([
      { verdict: "notify", decidedBy: "model", handledRevision: 1, toldRevision: 1 },
      { verdict: "notify", handledRevision: 1, toldRevision: 0 },
    ]);
    expect(await store.pendingFindings(5)).toEqual([]);
    expect(await store.getNotification(1)).toMatchObject({ runId: id, createdAt: 200 });
    expect(await store.getBeat(1)).toMatchObject({ runId: id, costUsd: 0.5, findings: [1, 2] });
  });

  it("leaves pending what changed while it went on", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a"), observation("b")]));
    const id = await runOver(store, { 1: 1, 2: 1 });
    await commit(store, seen("web/api", 2, [observation("a", { title: "new" })]));
    const verdicts = [judged(1, 1, true), judged(2, 1, true)];
    await store.finishRun(id, { at: 200, outcome: "ok", ...noWords, verdicts });
    expect(await store.pendingFindings(5)).toMatchObject([
      { id: 1, revision: 2, handledRevision: 1, toldRevision: 1 },
    ]);
  });

  it("saves its end whole or not at all", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    const id = await runOver(store, { 1: 1 });
    const verdicts = [judged(1, 1, true), judged(99, 1)];
    await expect(
      store.finishRun(id, { at: 200, outcome: "ok", ...noWords, verdicts }),
    ).rejects.toMatchObject({ code: "DATABASE_FAILED" });
    expect(await store.getRun(id)).toMatchObject({ outcome: null });
    expect(await store.getFindings([1])).toMatchObject([{ handledRevision: 0, toldRevision: 0 }]);
  });

  it("has one step for each index", async () => {
    const { store } = await openTemporaryStore();
    const id = await runOver(store, {});
    await modelStep(store, id, 0, 1);
    await expect(modelStep(store, id, 0, 2)).rejects.toMatchObject({ code: "DATABASE_FAILED" });
    expect((await store.getRun(id))?.steps).toHaveLength(1);
  });

  it("is not there when nobody began it", async () => {
    const { store } = await openTemporaryStore();
    expect(await store.getRun(7)).toBeUndefined();
    expect(await store.listRuns({ limit: 5 })).toEqual([]);
  });

  it("is listed newest first, with its findings", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    for (let run = 0; run < 3; run += 1) await runOver(store, run === 1 ? { 1: 1 } : {});
    const listed = await store.listRuns({ limit: 2 });
    expect(listed).toMatchObject([
      { id: 3, findings: [] },
      { id: 2, findings: [1] },
    ]);
  });
});

it("hands the next daemon the run that a killed one left half done, with its journal and findings", async () => {
  const { store } = await openTemporaryStore();
  await commit(store, seen("web/api", 1, [observation("a")]));
  const finished = await runOver(store, {});
  await store.finishRun(finished, { at: 150, outcome: "ok", ...noWords, verdicts: [] });
  const running = await runOver(store, { 1: 1 });
  const stepId = await store.beginStep({
    runId: running,
    index: 0,
    kind: "model",
    name: "claude-test",
    startedAt: 1,
    input: null,
  });
  const daemon = { pid: 42, version: "1.2.3", heartbeatMs: 300_000 };

  await store.recordStart({ ...daemon, at: 500 });
  expect(await store.unfinishedRuns()).toMatchObject([
    {
      run: { id: running, outcome: null, steps: [{ index: 0, durationMs: null }] },
      findings: [{ id: 1, revision: 1 }],
    },
  ]);
  expect(await store.getRun(finished)).toMatchObject({ outcome: "ok", finishedAt: 150 });
  expect(await store.getBeat(1)).toMatchObject({ outcome: "failed", finishedAt: 500 });
  expect((await store.pendingFindings(5)).map(({ id }) => id)).toEqual([1]);
  expect(stepId).toBe(1);
});
