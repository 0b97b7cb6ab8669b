import { expect, it } from "vitest";
import type { Look, LookOutcome } from "../store/port.ts";
import { observation, openTemporaryStore, seen } from "../store/store-fixture.ts";
import { createCommitQueue } from "./commit-queue.ts";

it("saves looks that end together in one go, and gives each its own outcome", async () => {
  const { store } = await openTemporaryStore();
  const batches: number[] = [];
  const commit = createCommitQueue({
    commitLooks(looks) {
      batches.push(looks.length);
      return store.commitLooks(looks);
    },
  });
  const bad = { ...seen("web/shop", 1, [observation("b")]), beatId: 99 };
  const outcomes = await Promise.all([
    commit(seen("web/api", 1, [observation("a")])),
    commit(bad),
    commit(seen("mail/work", 1, [observation("c")])),
  ]);
  expect(outcomes).toMatchObject([
    { check: "web/api", events: [{ state: "opened" }] },
    { check: "web/shop", error: expect.stringContaining("FOREIGN KEY") },
    { check: "mail/work", events: [{ state: "opened" }] },
  ]);
  expect(batches).toEqual([3]);

  await commit(seen("web/api", 2, [observation("a")]));
  expect(batches).toEqual([3, 1]);
});

it("takes what ends while a batch is being saved into the next one", async () => {
  const batches: string[][] = [];
  const saving = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const commit = createCommitQueue({
    async commitLooks(looks: readonly Look[]): Promise<LookOutcome[]> {
      batches.push(looks.map(({ check }) => check));
      begun.resolve();
      await saving.promise;
      return looks.map(({ check }) => ({ check, events: [], actionsRefused: 0 }));
    },
  });
  const first = commit(seen("web/api", 1, []));
  await begun.promise;
  const second = commit(seen("web/shop", 1, []));
  saving.resolve();
  expect(await Promise.all([first, second])).toMatchObject([
    { check: "web/api" },
    { check: "web/shop" },
  ]);
  expect(batches).toEqual([["web/api"], ["web/shop"]]);
});

it.each<[string, () => Promise<LookOutcome[]>, string]>([
  ["throws", () => Promise.reject(new Error("no space left")), "no space left"],
  ["answers for too few", () => Promise.resolve([]), "the store gave no answer"],
])("answers every look when the store %s", async (_, commitLooks, error) => {
  const commit = createCommitQueue({ commitLooks });
  const checks = ["web/api", "web/shop"];
  expect(await Promise.all(checks.map((check) => commit(seen(check, 1, []))))).toEqual(
    checks.map((check) => ({ check, error })),
  );
});
