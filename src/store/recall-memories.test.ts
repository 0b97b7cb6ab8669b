import { expect, test } from "vitest";
import { openTemporaryStore } from "./store-fixture.ts";

const day = 86_400_000;

async function notes() {
  const { store } = await openTemporaryStore();
  let count = 0;
  const add = (text: string, trust: "trusted" | "untrusted", expiresAt: number | null = null) =>
    store.addMemory({
      ...{ runId: null, text, trust, createdAt: (count += 1), expiresAt },
      noteKey: `note ${count}`,
    });
  const recall = async (words: readonly string[], withUntrusted = true, limit = 10, now = 0) =>
    (await store.recallMemories({ words, withUntrusted, limit, now })).map(({ text }) => text);
  return { add, recall };
}

test("notes are recalled that hold any of the words: trusted ones first, the best match first", async () => {
  const { add, recall } = await notes();
  await add("The lease of the shed ends in May.", "untrusted");
  await add("Ann pays the lease.", "trusted");
  await add("The shed has a new lock; the lease says who pays.", "trusted");
  await add("Tea is at five.", "trusted");
  expect(await recall(["lease", "shed"])).toEqual([
    "The shed has a new lock; the lease says who pays.",
    "Ann pays the lease.",
    "The lease of the shed ends in May.",
  ]);
  expect(await recall(["lease", "shed"], false)).toEqual([
    "The shed has a new lock; the lease says who pays.",
    "Ann pays the lease.",
  ]);
  expect(await recall(["lease", "shed"], true, 1)).toHaveLength(1);
  // Whole words, in any case and without their accents.
  expect(await recall(["LÉASE"])).toHaveLength(3);
  expect(await recall(["leas"])).toEqual([]);
  expect(await recall([])).toEqual([]);
});

test("a note past its time is not recalled", async () => {
  const { add, recall } = await notes();
  await add("Ann is away", "trusted", 3 * day);
  expect(await recall(["ann"], true, 10, 3 * day - 1)).toEqual(["Ann is away"]);
  expect(await recall(["ann"], true, 10, 3 * day)).toEqual([]);
});

test.each([
  ['"', "OR", "NEAR(", "text:x", "*", "(((", "AND NOT", "'; drop table memories; --", "", "\0"],
  Array.from({ length: 500 }, (_, index) => `word${index}`),
])("whatever the words are, they are words to look for and no query", async (...words) => {
  const { add, recall } = await notes();
  await add("Word1 or near.", "trusted");
  await recall(words);
  expect(await recall(["word1"])).toHaveLength(1);
});
