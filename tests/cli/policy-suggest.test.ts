import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import * as contract from "./contract.ts";
import { createDeedsPlace, sending, writing, type DeedsPlace } from "./deeds.ts";
import { oneLine, type Place } from "./place.ts";

let deeds: DeedsPlace;
let place: Place;
beforeEach(async () => {
  deeds = await createDeedsPlace();
  place = deeds.place;
});
afterEach(async () => deeds[Symbol.asyncDispose]());

const suggest = async (...words: string[]) =>
  contract.grantSuggestions.parse(
    (await place.json("policy", "suggest", "--after", "3", ...words)).value,
  );
/** Gives the word on what waits, in the order in which it was asked. */
async function answer(...words: string[][]): Promise<number[]> {
  const waiting = z.array(contract.approval).parse((await place.json("approvals")).value);
  expect(waiting).toHaveLength(words.length);
  for (const [index, [word = "", ...more]] of words.entries()) {
    const id = String(waiting[index]?.id);
    const { exitCode, stderr } = await place.run(word, id, ...more);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  }
  return waiting.map(({ id }) => id);
}
const yes = ["approve"];

test("what was approved again and again is suggested; pasted, it allows just that", async () => {
  await deeds.ring(sending("ann@hill", "1"), sending("ann@hill", "2"), sending("bob@dale", "3"));
  await answer(yes, yes, yes);
  expect(await suggest()).toMatchObject({
    suggestions: [],
    notSuggested: [
      {
        tool: "deeds_send",
        approvals: 3,
        why: '"to" was not the same each time; for one at most 2 of 3 approvals so far',
      },
    ],
  });

  await deeds.ring(sending("ann@hill", "4"));
  await answer(yes);
  const { suggestions, notSuggested } = await suggest();
  const grant = {
    tool: "deeds_send",
    when: { to: "ann@hill", street: "hill" },
    maxPerDay: 4,
    evenIfUntrusted: true,
  };
  expect(suggestions).toMatchObject([{ grant, evidence: { untrusted: 3, mostPerDay: 3 } }]);
  expect(suggestions[0]?.evidence.approvals).toHaveLength(3);
  expect(notSuggested).toMatchObject([{ why: "1 of 3 approvals so far" }]);

  const { exitCode, stdout } = await place.run("policy", "suggest", "--after", "3");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("deeds_send: approved 3 times as it was asked");
  expect(stdout.replace(/\s+/g, " ")).toContain(
    'when to is "ann@hill" and street is "hill". text may be anything.',
  );
  expect(stdout.replace(/\s+/g, " ")).toContain("with text as the stranger wants");
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);

  const before = await deeds.lines("sent.txt");
  const pasted = suggestions[0]?.config ?? "";
  expect(stdout).toContain(pasted);
  await place.config(`{ skills: { "./skills/deeds": {} }, policy: { grants: [${pasted}] } }`);
  await deeds.ring(sending("ann@hill", "5"), sending("ann@dale", "6"), sending("eve@moor", "7"));
  expect((await deeds.lines("sent.txt")).slice(before.length)).toEqual(["ann@hill: 5"]);
  expect((await suggest()).notSuggested).toContainEqual({
    tool: "deeds_send",
    approvals: 3,
    why: "a grant of yours allows it already",
  });
});

test("a word against it begins the count anew, and what was changed counts as it was asked", async () => {
  const ann = (text: string) => sending("ann@hill", text);
  await deeds.ring(ann("1"), ann("2"), ann("3"));
  await answer(yes, yes, yes);
  expect((await suggest()).suggestions).toHaveLength(1);
  await deeds.ring(ann("4"));
  const [denied] = await answer(["deny"]);
  expect((await suggest()).notSuggested).toEqual([
    {
      tool: "deeds_send",
      approvals: 0,
      why: `0 of 3 approvals so far since approval ${denied} was denied`,
    },
  ]);
  await deeds.ring(ann("5"), ann("6"), ann("7"));
  await answer(yes, yes, yes);
  expect((await suggest()).suggestions).toHaveLength(1);
  await deeds.ring(ann("8"));
  const [edited] = await answer(["approve", "--edit", '{"to": "bob@dale", "text": "8"}']);
  expect((await suggest()).notSuggested).toMatchObject([
    { why: `0 of 3 approvals so far since approval ${edited} was changed by you` },
  ]);
});

test("a tool of the owner's own data whose code looks nothing up earns nothing", async () => {
  await deeds.ring(writing("milk"), writing("bread"), writing("salt"));
  await answer(yes, yes, yes);
  const { stdout } = await place.run("policy", "suggest", "--after", "3");
  expect(stdout).toBe(
    "Nothing to suggest yet.\n\n  deeds_write: approved 3 times, but nothing was the same each time\n",
  );
});

test("without any approval it says what is missing", async () => {
  const { exitCode, stdout } = await place.run("policy", "suggest");
  expect(exitCode).toBe(0);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "in the last 90 days no call was approved as it was asked and carried out. It takes 5 approvals of the same kind.",
  );
  expect(await suggest()).toEqual({ after: 3, days: 90, suggestions: [], notSuggested: [] });
});

test.each([
  [["--after", "1"], '"1" is not a number of approvals'],
  [["--days", "0"], '"0" is not a number of days'],
])("%j is wrong use", async (words, message) => {
  const { exitCode, stdout, stderr } = await place.run("policy", "suggest", ...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(oneLine);
  expect(stderr).toContain(message);
});
