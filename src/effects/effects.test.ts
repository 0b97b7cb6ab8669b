import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callHash } from "../domain/canonical.ts";
import { ToolError } from "../domain/errors.ts";
import { defineTool, type AnyTool } from "../skills/define.ts";
import { silentSkillLog, type LoadedTool } from "../skills/load.ts";
import type { EffectRecord } from "../store/port.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { silentLog } from "../telemetry/log.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { approvalLifeMs, carryOutApproved, expireApprovals } from "./approve.ts";
import { performEffect, type EffectCall } from "./perform.ts";
import { settleEffects } from "./settle.ts";
import { tellInterruptedUndos, undoEffect } from "./undo.ts";

const input = z.strictObject({ id: z.string() });
type Run = (given: { id: string }) => Promise<unknown>;

async function bench(run: Run, changes: Partial<AnyTool> = {}) {
  const { store } = await openTemporaryStore();
  const clock = new FakeClock();
  const base = defineTool({ description: "Posts.", effect: "send", input, run });
  const tool: LoadedTool = {
    name: "post",
    skill: "test",
    version: "1",
    definition: { ...base, ...changes },
    timeoutMs: 5_000,
    log: silentSkillLog(),
  };
  const dependencies = {
    store,
    clock,
    log: silentLog,
    tools: new Map([[tool.name, tool]]),
    scrub: (text: string) => text.replaceAll("hunter22", "[secret]"),
    signal: new AbortController().signal,
  };
  const call = (more: Partial<EffectCall> = {}): EffectCall => ({
    tool,
    input: { id: "7" },
    effect: "send",
    trust: "untrusted",
    runId: null,
    stepId: null,
    approvalId: null,
    idempotencyKey: "key-1",
    grant: null,
    ...more,
  });
  const ask = async (given: unknown = { id: "7" }) => {
    const named = { tool: tool.name, version: tool.version, arguments: given };
    const { id } = await store.addApproval({
      runId: null,
      tool: tool.name,
      toolVersion: tool.version,
      arguments: given,
      argumentsHash: callHash(named),
      effect: "send",
      trust: "untrusted",
      reason: "it reaches somebody",
      createdAt: clock.now(),
      expiresAt: clock.now() + approvalLifeMs,
    });
    return id;
  };
  const approve = async (id: number) =>
    store.decideApproval(id, { decision: "approved", note: null, at: clock.now() });
  const findings = async () =>
    (await store.listFindings({ all: true, limit: 50 })).map(({ title, severity, trust }) => ({
      title,
      severity,
      trust,
    }));
  return { store, clock, tool, dependencies, call, ask, approve, findings };
}

describe("an effect", () => {
  it("is on the disk before the tool is called, and its outcome after", async () => {
    const states: (string | undefined)[] = [];
    const { store, dependencies, call } = await bench(async () => {
      states.push((await store.getEffect(1))?.state);
      return { messageId: "hunter22" };
    });
    expect(await performEffect(call(), dependencies)).toMatchObject({ state: "done", error: null });
    expect(states).toEqual(["sent"]);
    expect(await store.getEffect(1)).toMatchObject({
      state: "done",
      result: { messageId: "[secret]" },
      arguments: { id: "7" },
      trust: "untrusted",
    });
  });

  it("with the key of another is refused", async () => {
    let posted = 0;
    const { dependencies, call } = await bench(async () => (posted += 1));
    await performEffect(call(), dependencies);
    expect(await performEffect(call(), dependencies)).toMatchObject({ state: "refused" });
    expect(posted).toBe(1);
  });

  it.each<[string, Run, string]>([
    ["a tool that says it did nothing", () => Promise.reject(new ToolError("X", "no")), "failed"],
    ["a tool that broke off", () => Promise.reject(new Error("connection lost")), "unknown"],
  ])("of %s is %s", async (_, run, state) => {
    const { dependencies, call } = await bench(run);
    expect(await performEffect(call(), dependencies)).toMatchObject({ state });
  });

  it("of a tool that hangs is unknown", async () => {
    const { clock, dependencies, call } = await bench(() => new Promise(() => undefined));
    const end = performEffect(call(), dependencies);
    await clock.whenPending(1);
    await clock.advance(5_000);
    expect(await end).toMatchObject({ state: "unknown", error: expect.stringMatching(/5s/) });
  });

  it("whose post-condition does not hold is done, and says what is wrong", async () => {
    const verify = () => Promise.resolve("the service is still down");
    const { dependencies, call } = await bench(() => Promise.resolve("ok"), { verify });
    expect(await performEffect(call(), dependencies)).toMatchObject({
      state: "done",
      error: "done, but: the service is still down",
    });
  });
});

describe("after a kill", () => {
  const interrupted = async (
    state: "planned" | "sent",
    changes: Partial<AnyTool> = {},
  ): Promise<{ effect: EffectRecord | undefined; posted: number; titles: string[] }> => {
    let posted = 0;
    const { store, dependencies, call, findings } = await bench(async () => (posted += 1), changes);
    const { tool, input: given, ...rest } = call();
    const planned = await store.planEffect({
      ...rest,
      tool: tool.name,
      toolVersion: tool.version,
      arguments: given,
      grant: null,
      at: 1,
    });
    if (planned.ok && state === "sent") await store.markEffectSent(planned.id, 2);
    await settleEffects(dependencies, await store.unsettledEffects());
    await settleEffects(dependencies, await store.unsettledEffects());
    const titles = (await findings()).map(({ title }) => title);
    return { effect: await store.getEffect(1), posted, titles };
  };

  it("what was never sent is not done, and not sent", async () => {
    const { effect, posted, titles } = await interrupted("planned");
    expect({ state: effect?.state, posted, titles }).toEqual({
      state: "failed",
      posted: 0,
      titles: [],
    });
  });

  it("what was sent is put to the owner, and never repeated", async () => {
    const { effect, posted, titles } = await interrupted("sent");
    expect({ state: effect?.state, posted }).toEqual({ state: "unknown", posted: 0 });
    expect(titles).toEqual(["Nobody knows whether post was done (effect 1)"]);
  });

  it.each([
    ["done", () => Promise.resolve({ result: "found it" }), "done"],
    ["not done", () => Promise.resolve("not-done" as const), "failed"],
    ["unclear", () => Promise.resolve(undefined), "unknown"],
    ["unreachable", () => Promise.reject(new Error("no route")), "unknown"],
  ] as const)("a tool that can tell settles it: %s", async (_, reconcile, state) => {
    const { effect, posted } = await interrupted("sent", { reconcile });
    expect({ state: effect?.state, posted }).toEqual({ state, posted: 0 });
  });

  it("a tool that may be called twice is called again, with the same key", async () => {
    const { effect, posted } = await interrupted("sent", { idempotent: true });
    expect({ state: effect?.state, posted }).toEqual({ state: "done", posted: 1 });
  });

  it.each<["planned" | "sent", Partial<AnyTool>, string]>([
    ["planned", {}, "failed"],
    ["sent", { reconcile: () => Promise.resolve("not-done" as const) }, "failed"],
    ["sent", { reconcile: () => Promise.resolve({ result: 1 }) }, "was done"],
    ["sent", { idempotent: true }, "was done"],
  ])(
    "the owner hears what came of an approved call that was %s (%#)",
    async (state, more, word) => {
      const { store, dependencies, call, ask, approve, findings } = await bench(
        () => Promise.resolve(1),
        more,
      );
      const approvalId = await ask();
      await approve(approvalId);
      const { tool, input: given, ...rest } = call({ approvalId });
      const named = { tool: tool.name, toolVersion: tool.version, arguments: given };
      await store.planEffect({ ...rest, ...named, grant: null, at: 1 });
      if (state === "sent") await store.markEffectSent(1, 2);
      await settleEffects(dependencies, await store.unsettledEffects());
      expect((await findings()).map(({ title }) => title)).toEqual([`Approval 1: post ${word}`]);
    },
  );

  it("a kill between an outcome that nobody knows and its telling loses neither", async () => {
    const { store, dependencies, call, findings } = await bench(() =>
      Promise.reject(new Error("connection lost")),
    );
    const killed = { ...store, setOwnFinding: () => Promise.reject(new Error("killed")) };
    await performEffect(call(), { ...dependencies, store: killed }).catch(() => undefined);
    await settleEffects({ ...dependencies, store: killed }, await store.unsettledEffects());
    await settleEffects(dependencies, await store.unsettledEffects());
    expect((await findings()).map(({ title }) => title)).toEqual([
      "Nobody knows whether post was done (effect 1)",
    ]);
  });

  it("one that is told to stop while it settles leaves the rest to the next", async () => {
    const stop = new AbortController();
    const { store, dependencies, call, findings } = await bench(() => Promise.resolve(1), {
      reconcile: () => {
        stop.abort();
        return new Promise(() => undefined);
      },
    });
    const { tool, input: given, ...rest } = call();
    const named = { tool: tool.name, toolVersion: tool.version, arguments: given };
    for (const idempotencyKey of ["a", "b"]) {
      await store.planEffect({ ...rest, ...named, idempotencyKey, grant: null, at: 1 });
    }
    await store.markEffectSent(1, 2);
    await store.markEffectSent(2, 2);
    const left = await store.unsettledEffects();
    expect(await settleEffects({ ...dependencies, signal: stop.signal }, left)).toEqual(left);
    expect(await store.unsettledEffects()).toHaveLength(2);
    expect(await findings()).toEqual([]);
  });

  it("nothing is repeated while watchkeeper is paused", async () => {
    let posted = 0;
    const { store, dependencies, call } = await bench(async () => (posted += 1), {
      idempotent: true,
    });
    const { tool, input: given, ...rest } = call();
    const named = { tool: tool.name, toolVersion: tool.version, arguments: given };
    await store.planEffect({ ...rest, ...named, grant: null, at: 1 });
    await store.markEffectSent(1, 2);
    await store.pause({ pausedAt: 3, until: null, reason: null });
    await settleEffects(dependencies, await store.unsettledEffects());
    expect(posted).toBe(0);
    await store.resume();
    await settleEffects(dependencies, await store.unsettledEffects());
    expect(posted).toBe(1);
  });
});

describe("an approval", () => {
  it("is not begun any more once the daemon has no time left", async () => {
    const stop = new AbortController();
    let posted = 0;
    const { store, dependencies, ask, approve, findings } = await bench(async () => {
      posted += 1;
      stop.abort();
    });
    await approve(await ask({ id: "7" }));
    await approve(await ask({ id: "8" }));
    await carryOutApproved({ ...dependencies, signal: stop.signal });
    expect(posted).toBe(1);
    expect(await store.approvedCalls()).toMatchObject([{ id: 2 }]);
    expect(await findings()).toHaveLength(1);
  });

  it("is carried out once, exactly as it was shown, and its outcome told without its arguments", async () => {
    const posted: unknown[] = [];
    const { store, dependencies, ask, approve, findings } = await bench(async (given) => {
      posted.push(given);
      return "sent to a stranger";
    });
    const id = await ask();
    expect(await carryOutApproved(dependencies)).toEqual([]);
    expect(await approve(id)).toMatchObject({ status: "approved" });
    expect(await approve(id)).toBeUndefined();
    await Promise.all([carryOutApproved(dependencies), carryOutApproved(dependencies)]);
    await carryOutApproved(dependencies);
    expect(posted).toEqual([{ id: "7" }]);
    expect(await store.getApproval(id)).toMatchObject({ effectId: 1 });
    expect(await findings()).toEqual([
      { title: "Approval 1: post was done", severity: "info", trust: "trusted" },
    ]);
  });

  it.each([
    ["changed arguments", { arguments: { id: "8" }, argumentsHash: "of something else" }],
    ["arguments that do not fit", { arguments: { id: 8 }, argumentsHash: "" }],
  ])("for %s is not carried out", async (_, edited) => {
    let posted = 0;
    const { store, dependencies, ask, clock } = await bench(async () => (posted += 1));
    const id = await ask();
    const word = { decision: "approved", note: null, at: clock.now() } as const;
    await store.decideApproval(id, { ...word, edited: { ...edited, effect: "send" } });
    await carryOutApproved(dependencies);
    await carryOutApproved(dependencies);
    expect(posted).toBe(0);
    expect(await store.listEffects({ limit: 5 })).toMatchObject([{ state: "failed" }]);
  });

  it("for a call that would do something else than was shown is not carried out", async () => {
    let posted = 0;
    const { store, dependencies, ask, approve } = await bench(async () => (posted += 1), {
      // As after an update of the skill: the version tells nothing of a function.
      effect: () => "destroy",
    });
    await approve(await ask());
    await carryOutApproved(dependencies);
    expect(posted).toBe(0);
    expect(await store.getEffect(1)).toMatchObject({
      state: "failed",
      error: "it was shown as a send, and would be a destroy; ask again",
    });
  });

  it("gives the tool what was shown, and not what its schema makes of it a second time", async () => {
    const posted: unknown[] = [];
    const decoding = z.strictObject({ id: z.string().transform(decodeURIComponent) });
    const { store, dependencies, ask, approve } = await bench(async (given) => posted.push(given), {
      input: decoding,
    });
    await approve(await ask({ id: "%61" }));
    await approve(await ask({ id: "b" }));
    await carryOutApproved(dependencies);
    expect(posted).toEqual([{ id: "b" }]);
    expect(await store.getEffect(1)).toMatchObject({
      state: "failed",
      error: "the tool would not be given the arguments as they were shown",
    });
  });

  it("for a tool that has changed since is not carried out", async () => {
    let posted = 0;
    const { store, dependencies, ask, approve, tool } = await bench(async () => (posted += 1));
    await approve(await ask());
    const tools = new Map([[tool.name, { ...tool, version: "2" }]]);
    await carryOutApproved({ ...dependencies, tools });
    expect(posted).toBe(0);
    expect(await store.getEffect(1)).toMatchObject({ error: expect.stringMatching(/has changed/) });
  });

  it("expires, says what was not done, and cannot be approved any more", async () => {
    let posted = 0;
    const { dependencies, ask, approve, clock, findings } = await bench(async () => (posted += 1));
    const id = await ask();
    clock.set(clock.now() + approvalLifeMs);
    expect(await approve(id)).toBeUndefined();
    await expireApprovals(dependencies);
    await expireApprovals(dependencies);
    await carryOutApproved(dependencies);
    expect(posted).toBe(0);
    expect(await findings()).toEqual([
      {
        title: "Approval 1 has expired: post was not done",
        severity: "notice",
        trust: "trusted",
      },
    ]);
  });

  it("that has expired stays so when the clock is set back", async () => {
    let posted = 0;
    const { dependencies, ask, approve, clock } = await bench(async () => (posted += 1));
    const id = await ask();
    clock.set(clock.now() + approvalLifeMs);
    await expireApprovals(dependencies);
    clock.set(clock.now() - 2 * approvalLifeMs);
    expect(await approve(id)).toBeUndefined();
    await carryOutApproved(dependencies);
    expect(posted).toBe(0);
  });

  it("that was asked on a clock a year ahead does not wait for a year", async () => {
    const { dependencies, ask, clock, findings } = await bench(async () => 1);
    const today = clock.now();
    clock.set(today + 365 * approvalLifeMs);
    await ask();
    await expireApprovals(dependencies);
    expect(await findings()).toEqual([]);
    clock.set(today);
    await expireApprovals(dependencies);
    expect(await findings()).toMatchObject([
      { title: "Approval 1 has expired: post was not done" },
    ]);
  });

  it("waits while watchkeeper is paused, and is carried out when that is lifted", async () => {
    let posted = 0;
    const { store, dependencies, ask, approve, clock } = await bench(async () => (posted += 1));
    await approve(await ask());
    await store.pause({ pausedAt: clock.now(), until: clock.now() + 1_000, reason: "holidays" });
    await carryOutApproved(dependencies);
    expect(posted).toBe(0);
    clock.set(clock.now() + 1_000);
    await carryOutApproved(dependencies);
    expect(posted).toBe(1);
  });
});

describe("undo", () => {
  const write = async (undo: AnyTool["undo"]) => {
    const bed = await bench(() => Promise.resolve({ folder: "Archive" }), {
      effect: "write",
      ...(undo ? { undo } : {}),
    });
    await performEffect(bed.call({ effect: "write" }), bed.dependencies);
    return bed;
  };

  it("gives the tool its own result back, once", async () => {
    const undone: unknown[] = [];
    const { store, dependencies } = await write(
      async (result: unknown) => void undone.push(result),
    );
    await undoEffect(1, dependencies);
    await expect(undoEffect(1, dependencies)).rejects.toThrow("was undone already");
    expect(undone).toEqual([{ folder: "Archive" }]);
    expect((await store.getEffect(1))?.undoneAt).not.toBeNull();
  });

  it("that a killed process had begun is put to the owner, and may be tried again", async () => {
    let undone = 0;
    const { store, dependencies, clock } = await write(async () => void (undone += 1));
    // As a process leaves it that is killed within the tool.
    await store.beginUndo(1, clock.now());
    await expect(undoEffect(1, dependencies)).rejects.toThrow("is being undone already");
    await tellInterruptedUndos(dependencies);
    expect(await store.listFindings({ all: false, limit: 5 })).toMatchObject([
      {
        severity: "warning",
        title: expect.stringMatching(/^Nobody knows whether .* was taken back/),
      },
    ]);
    expect(await store.getEffect(1)).toMatchObject({ undoneAt: null, undoBegunAt: null });
    await undoEffect(1, dependencies);
    await tellInterruptedUndos(dependencies);
    expect(undone).toBe(1);
    expect(await store.listFindings({ all: true, limit: 5 })).toHaveLength(1);
  });

  it("of a result that was too large to keep is refused, and the tool is not given its beginning", async () => {
    let undone = 0;
    const bed = await bench(() => Promise.resolve({ text: "x".repeat(70_000) }), {
      effect: "write",
      undo: async () => void (undone += 1),
    });
    await performEffect(bed.call({ effect: "write" }), bed.dependencies);
    await expect(undoEffect(1, bed.dependencies)).rejects.toThrow("too large to keep");
    expect(undone).toBe(0);
  });

  it("that fails may be tried again", async () => {
    let fails = true;
    const { dependencies } = await write(() =>
      fails ? Promise.reject(new Error("server gone")) : Promise.resolve(),
    );
    await expect(undoEffect(1, dependencies)).rejects.toThrow("server gone");
    fails = false;
    await expect(undoEffect(1, dependencies)).resolves.toMatchObject({ id: 1 });
  });

  it("of what has none is refused", async () => {
    const { dependencies } = await write(undefined);
    await expect(undoEffect(1, dependencies)).rejects.toThrow("cannot be undone");
    await expect(undoEffect(9, dependencies)).rejects.toThrow("there is no effect 9");
  });
});
