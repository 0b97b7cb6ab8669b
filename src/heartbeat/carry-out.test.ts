import { expect, it } from "vitest";
import { z } from "zod";
import { callHash } from "../domain/canonical.ts";
import { defineTool } from "../skills/define.ts";
import { silentSkillLog, type LoadedTool } from "../skills/load.ts";
import type { Store } from "../store/port.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { silentLog } from "../telemetry/log.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { createCarryOut } from "./carry-out.ts";

const health = {
  status: "ok" as const,
  consecutiveFailures: 0,
  failingSince: null,
  lastOkAt: 0,
  nextDueAt: 1,
};

/** A watch's other half: whenever something has ended it is begun anew, as the heartbeat does. */
async function bench({
  run,
  ...broken
}: Partial<Store> & { run?: (id: string) => Promise<unknown> } = {}) {
  const { store } = await openTemporaryStore();
  const clock = new FakeClock();
  const done: string[] = [];
  const tool: LoadedTool = {
    ...{ name: "house_post", skill: "house", version: "1", timeoutMs: 60_000 },
    log: silentSkillLog(),
    definition: defineTool({
      description: "Posts.",
      effect: "send",
      input: z.strictObject({ id: z.string() }),
      async run({ id }) {
        await run?.(id);
        done.push(id);
      },
    }),
  };
  let wakes = 0;
  let next: Promise<number | null> = Promise.resolve(null);
  const carryOut = createCarryOut(
    {
      ...{ clock, log: silentLog, scrub: (text: string) => text },
      store: { ...store, ...broken },
      tools: new Map([[tool.name, tool]]),
      signal: new AbortController().signal,
    },
    () => {
      wakes += 1;
      if (wakes < 50) next = carryOut.start();
    },
  );
  const approve = async (id: string) => {
    const at = clock.now();
    const given = { tool: tool.name, version: "1", arguments: { id } };
    const approval = await store.addApproval({
      ...{ runId: null, tool: tool.name, toolVersion: "1", arguments: { id } },
      ...{ argumentsHash: callHash(given), effect: "send", trust: "trusted", reason: "asked" },
      ...{ createdAt: at, expiresAt: at + 1_000_000 },
    });
    await store.decideApproval(approval.id, { decision: "approved", note: null, at });
  };
  const ask = async (...ids: string[]) => {
    const actions = ids.map((id) => ({
      ...{ idempotencyKey: id, tool: tool.name, toolVersion: "1", effect: "send" as const },
      ...{ arguments: { id }, maxPerHour: undefined },
    }));
    const at = clock.now();
    await store.registerChecks([{ name: "house/rules", skill: "house", schedule: "1m" }], {
      at,
      keepSkills: [],
    });
    const result = { kind: "failed", error: "none" } as const;
    await store.commitLooks([
      {
        beatId: 1,
        check: "house/rules",
        skill: "house",
        at,
        health,
        result,
        blind: null,
        actions,
      },
    ]);
  };
  const settled = async () => {
    await next;
    await carryOut.ended();
    await next;
  };
  return { store, clock, carryOut, approve, ask, done, settled, wakes: () => wakes };
}

it("does what waits once, and rests when there is nothing", async () => {
  const { carryOut, approve, ask, done, settled, wakes } = await bench();
  await approve("approved");
  await ask("ruled");
  expect(await carryOut.start()).toBeNull();
  await settled();
  expect(done.toSorted()).toEqual(["approved", "ruled"]);
  expect(wakes()).toBeLessThan(5);
});

it.each<[string, Partial<Store>]>([
  ["an intent", { planEffect: () => Promise.reject(new Error("disk full")) }],
  ["that it is begun", { markEffectSent: () => Promise.reject(new Error("disk full")) }],
])("a store that cannot save %s is not hammered", async (_, broken) => {
  const { carryOut, approve, ask, clock, settled, wakes } = await bench(broken);
  await approve("approved");
  await ask("ruled");
  await carryOut.start();
  for (let turn = 0; turn < 10; turn += 1) await settled();
  expect(wakes()).toBeLessThan(5);
  expect(await carryOut.start()).toBe(clock.now() + 30_000);
});

it("a journal that cannot be read at first is read again, and nothing is begun before", async () => {
  let fails = true;
  const { store, carryOut, approve, clock, done, settled } = await bench({
    unsettledEffects: () => (fails ? Promise.reject(new Error("I/O error")) : Promise.resolve([])),
  });
  await approve("approved");
  await carryOut.start();
  await settled();
  expect([done, (await store.approvedCalls()).length]).toEqual([[], 1]);
  fails = false;
  await clock.advance(30_000);
  await carryOut.start();
  await settled();
  expect(done).toEqual(["approved"]);
});

it("a rule whose tool hangs does not hold up the owner's word", async () => {
  const begun = Promise.withResolvers<void>();
  const { carryOut, approve, ask, done, clock, settled } = await bench({
    run: (id) => {
      if (id !== "hangs") return Promise.resolve();
      begun.resolve();
      return new Promise(() => undefined);
    },
  });
  await ask("hangs", "waits");
  await carryOut.start();
  await begun.promise;
  await approve("approved");
  await carryOut.start();
  while (done.length === 0) await new Promise(setImmediate);
  expect(done).toEqual(["approved"]);
  await clock.advance(60_000);
  await settled();
  expect(done).toEqual(["approved", "waits"]);
});
