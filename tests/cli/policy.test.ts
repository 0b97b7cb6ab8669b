import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as contract from "./contract.ts";
import { createDeedsPlace, sending, type DeedsPlace } from "./deeds.ts";
import { oneLine, type Place } from "./place.ts";

let deeds: DeedsPlace;
let place: Place;
beforeAll(async () => {
  deeds = await createDeedsPlace(`{ grants: [
    { tool: "deeds_send", when: { street: "hill" }, maxPerDay: 1, evenIfUntrusted: true },
    { tool: "deeds_send", when: { street: "dale" }, maxPerDay: 1 },
  ] }`);
  place = deeds.place;
  // With a file beside its instructions there is something to read on demand.
  await place.write("skills/deeds/further.md", "More of it.");
});
afterAll(async () => deeds[Symbol.asyncDispose]());

const line = (to: string) => JSON.stringify({ to, text: "hello" });
const explain = async (tool: string, args: string, ...more: string[]) => {
  const { value } = await place.json("policy", "explain", tool, "--args", args, ...more);
  return contract.explanation.parse(value);
};

describe("policy explain", () => {
  test.each([
    ["deeds_look", "{}", "trusted", "allow", "reading is allowed"],
    ["deeds_look", "{}", "untrusted", "allow", "reading is allowed"],
    ["memory_search", '{"text":"milk"}', "untrusted", "allow", "reading is allowed"],
    ["memory_note", '{"text":"milk"}', "untrusted", "allow", "it hides nothing"],
    ["skill_read", '{"skill":"deeds"}', "untrusted", "allow", "reading is allowed"],
    ["deeds_write", '{"text":"milk"}', "trusted", "allow", "your own data"],
    ["deeds_write", '{"text":"milk"}', "untrusted", "ask", "no grant names deeds_write"],
    ["deeds_send", line("ann@hill"), "trusted", "allow", "your grant for deeds_send"],
    ["deeds_send", line("ann@hill"), "untrusted", "allow", "your grant for deeds_send"],
    ["deeds_send", line("bob@dale"), "trusted", "allow", "your grant for deeds_send"],
    ["deeds_send", line("bob@dale"), "untrusted", "ask", "does not hold in a run that has read"],
    [
      "deeds_send",
      line("eve@moor"),
      "trusted",
      "ask",
      'wants "street" to be "hill", and it is "moor"',
    ],
    [
      "deeds_send",
      line("eve@moor"),
      "untrusted",
      "ask",
      'wants "street" to be "hill", and it is "moor"',
    ],
  ])("%s %s in a run that is %s: %s", async (tool, args, trust, decision, reason) => {
    const flag = trust === "untrusted" ? ["--untrusted"] : [];
    const view = await explain(tool, args, ...flag);
    expect(view).toMatchObject({ tool, decision, untrusted: trust === "untrusted" });
    expect(view.reason).toContain(reason);
    expect(view.suggestedGrant === null).toBe(decision === "allow");
  });

  test("shows in words the decision, the facts and a grant that would allow it", async () => {
    const words = ["policy", "explain", "deeds_send", "--args", line("eve@moor"), "--untrusted"];
    const { exitCode, stdout } = await place.run(...words);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^deeds_send \(send\) is asked of you: it reaches somebody/);
    expect(stdout).toContain("the tool found out: street is moor");
    const { suggestedGrant } = await explain("deeds_send", line("eve@moor"), "--untrusted");
    expect(suggestedGrant).toEqual({
      tool: "deeds_send",
      when: { street: "moor" },
      maxPerDay: 5,
      evenIfUntrusted: true,
    });
    expect(stdout).toContain(JSON.stringify(suggestedGrant, null, 2).replace(/^/gm, "  "));
  });

  test("calls nothing, and makes no state", async () => {
    await explain("deeds_send", line("ann@hill"));
    expect(await deeds.lines("sent.txt")).toEqual([]);
    await expect(place.read("state/watchkeeper.db")).rejects.toThrow("ENOENT");
  });

  test.each([
    [["deeds_snd", "--args", "{}"], 'there is no tool "deeds_snd". Did you mean "deeds_send"?'],
    [
      ["memory_notes", "--args", "{}"],
      'there is no tool "memory_notes". Did you mean "memory_note"?',
    ],
    [["memory_note", "--args", "{}"], "the arguments do not fit memory_note: arguments.text"],
    [["deeds_send", "--args", "{"], "the arguments are not JSON"],
    [["deeds_send", "--args", '{"to":1}'], "the arguments do not fit deeds_send: arguments.to"],
    [["deeds_send"], "--args"],
  ])("%j is wrong use", async (words, message) => {
    const { exitCode, stdout, stderr } = await place.run("policy", "explain", ...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain(message);
  });
});

test("a grant that is used up today is not offered twice: the run was allowed once, then asked", async () => {
  await deeds.ring(sending("ann@hill"));
  expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
  const view = await explain("deeds_send", line("ann@hill"), "--untrusted");
  expect(view).toMatchObject({ decision: "ask" });
  expect(view.reason).toContain("the grant's one use a day is used up");
  await deeds.ring(sending("ann@hill", "again"));
  expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
});
