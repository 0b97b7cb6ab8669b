import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import * as contract from "./contract.ts";
import { createDeedsPlace, sending, writing, type DeedsPlace } from "./deeds.ts";
import { oneLine, watching, type Place } from "./place.ts";

let deeds: DeedsPlace;
let place: Place;
beforeEach(async () => {
  deeds = await createDeedsPlace();
  place = deeds.place;
});
afterEach(async () => deeds[Symbol.asyncDispose]());

const list = async (...words: string[]) =>
  z.array(contract.approval).parse((await place.json("approvals", ...words)).value);
const shown = async (id: number) =>
  contract.approvalWithOutcome.parse((await place.json("approvals", "show", String(id))).value);

test("what was asked is listed and shown with every character visible, and nothing is done", async () => {
  await deeds.ring(sending("ann@hill", "good\u202e\u200b day"));
  expect(await list()).toMatchObject([
    {
      id: 1,
      tool: "deeds_send",
      arguments: { to: "ann@hill", text: "good\u202e\u200b day" },
      effect: "send",
      facts: { street: "hill" },
      editedFrom: null,
      trust: "untrusted",
      status: "pending",
      decidedAt: null,
      runId: 1,
      effectId: null,
    },
  ]);
  const table = await place.run("approvals");
  expect(table.stdout).toMatch(
    /^id +status +asked +until +tool +arguments\n +1 +pending .*deeds_send/,
  );
  expect(table.stdout.split("\n").every((line) => line.length <= 80)).toBe(true);
  const { stdout } = await place.run("approvals", "show", "1");
  expect(stdout).toContain('  "to": "ann@hill"');
  expect(stdout).toContain('  "text": "good\\u{202e}\\u{200b} day"');
  expect(stdout).toContain("asked");
  expect(stdout).toContain("watchkeeper approve 1, or watchkeeper deny 1");
  expect(await deeds.lines("sent.txt")).toEqual([]);
  expect(contract.status.parse((await place.json("status")).value).pendingApprovals).toBe(1);
});

describe.each([["without a daemon"], ["beside a daemon"]])("%s", (how) => {
  beforeEach(async () => {
    if (how === "beside a daemon") await place.start("start").seen(watching);
  });

  test("what is approved is done exactly once, and a second word is refused", async () => {
    await deeds.ring(sending("ann@hill"));
    const { exitCode, stdout, stderr } = await place.run("approve", "1");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^approval 1: deeds_send was done\neffect 1: done\n/);
    expect(stdout).toContain('"sent": "ann@hill"');
    expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);

    for (const word of ["approve", "deny"]) {
      const again = await place.run(word, "1");
      expect(again).toMatchObject({ exitCode: 1, stdout: "" });
      expect(again.stderr).toMatch(oneLine);
      expect(again.stderr).toContain("approval 1 was approved already, and its effect 1 is done");
    }
    await place.run("beat");
    expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
    expect(await shown(1)).toMatchObject({
      status: "approved",
      effectId: 1,
      outcome: { state: "done", result: { sent: "ann@hill" }, error: null },
    });
    expect(await list()).toEqual([]);
    expect(await list("--all")).toHaveLength(1);
  });

  test("of two words given at once, one counts", async () => {
    await deeds.ring(sending("ann@hill"));
    const both = await Promise.all([place.run("approve", "1"), place.run("approve", "1")]);
    expect(both.map(({ exitCode }) => exitCode).toSorted()).toEqual([0, 1]);
    expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
  });

  test("what is denied is not done, now or later", async () => {
    await deeds.ring(sending("ann@hill"));
    const { exitCode, stdout } = await place.run("deny", "1", "--note", "she is away");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^approval 1: deeds_send is denied/);
    expect(await shown(1)).toMatchObject({ status: "denied", note: "she is away", outcome: null });
    const late = await place.run("approve", "1");
    expect(late.exitCode).toBe(1);
    expect(late.stderr).toContain("approval 1 was denied already");
    expect(await deeds.lines("sent.txt")).toEqual([]);
  });

  test("an edited call is done as it was edited, and as nothing else", async () => {
    await deeds.ring(sending("ann@hill"));
    for (const [edit, words] of [
      ["{to: 1}", "the arguments are not JSON"],
      ['{"to": 7, "text": "x"}', "arguments.to: must be a text in quotes, and is 7"],
      ['{"to": "bob@dale"}', "arguments.text: is missing"],
      ['{"to": "bob@dale", "text": "x", "txet": "y"}', "arguments.txet: unknown key"],
    ] as const) {
      const wrong = await place.run("approve", "1", "--edit", edit);
      expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
      expect(wrong.stderr).toMatch(oneLine);
      expect(wrong.stderr).toContain(words);
    }
    expect(await list()).toHaveLength(1);
    const edit = '{"text": "good day", "to": "bob@dale"}';
    const { exitCode, value } = await place.json("approve", "1", "--edit", edit);
    expect(exitCode).toBe(0);
    expect(contract.approvalWithOutcome.parse(value)).toMatchObject({
      arguments: { to: "bob@dale", text: "good day" },
      editedFrom: { to: "ann@hill", text: "hello" },
      facts: { street: "hill" },
      outcome: { state: "done" },
    });
    expect((await place.run("approvals", "show", "1")).stdout).toContain(
      'you have changed the arguments; it was asked with\n  {\n    "to": "ann@hill"',
    );
    expect(await deeds.lines("sent.txt")).toEqual(["bob@dale: good day"]);
  });

  test("what fails and what nobody knows of is said, with exit 1, and not repeated", async () => {
    await deeds.ring(sending("nobody"), sending("limbo"));
    const approvals = await list();
    const idOf = (to: string) =>
      String(approvals.find((approval) => approval.arguments.to === to)?.id);
    const failed = await place.run("approve", idOf("nobody"));
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout).toContain("deeds_send failed; nothing was done");
    expect(failed.stdout).toContain("nobody lives there. Ask around");
    const unknown = await place.run("approve", idOf("limbo"));
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stdout).toContain("nobody knows whether it was done");
    expect(unknown.stdout).toContain("the line went dead");
    expect(await deeds.lines("sent.txt")).toEqual([]);
  });

  test("a note that was written is taken back, once", async () => {
    deeds.trust = "trusted";
    await deeds.ring(writing("milk"), writing("bread"));
    expect((await deeds.lines("notes.txt")).toSorted()).toEqual(["bread", "milk"]);
    const writes = contract.writes.parse((await place.json("undo")).value);
    const milk = writes.find(({ arguments: given }) => given.text === "milk");
    const id = String(milk?.effectId);
    expect((await place.run("undo")).stdout).toMatch(
      new RegExp(`^ *${id} .*run 1 .*deeds_write .*milk`, "m"),
    );
    const { exitCode, stdout } = await place.run("undo", id);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`effect ${id}: deeds_write was undone.\n`);
    expect(await deeds.lines("notes.txt")).toEqual(["bread"]);
    for (const [which, words] of [
      [id, `effect ${id} was undone already`],
      ["99", "there is no effect 99"],
    ] as const) {
      const again = await place.run("undo", which);
      expect(again).toMatchObject({ exitCode: 1, stdout: "" });
      expect(again.stderr).toMatch(oneLine);
      expect(again.stderr).toContain(words);
    }
    expect(await deeds.lines("notes.txt")).toEqual(["bread"]);
    expect((await place.run("undo")).stdout).not.toContain("milk");
    await place.run("undo", String(writes.find((write) => write !== milk)?.effectId));
    expect(await place.run("undo")).toMatchObject({
      exitCode: 0,
      stdout: "Nothing was written that could be taken back.\n",
    });
  });
});

test("a write after a stranger's words is asked for, done when approved, and can be undone", async () => {
  await deeds.ring(writing("milk"));
  expect(await deeds.lines("notes.txt")).toEqual([]);
  expect((await place.run("approve", "#1")).exitCode).toBe(0);
  expect(await deeds.lines("notes.txt")).toEqual(["milk"]);
  expect((await place.run("undo", "1")).exitCode).toBe(0);
  expect(await deeds.lines("notes.txt")).toEqual([]);
  expect((await shown(1)).outcome?.undoneAt).not.toBeNull();
});

test("what was sent cannot be undone", async () => {
  await deeds.ring(sending("ann@hill"));
  await place.run("approve", "1");
  const { exitCode, stderr } = await place.run("undo", "1");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("deeds_send cannot be undone");
});

test("a call that was edited into another effect is on record as that", async () => {
  await deeds.ring({ name: "deeds_tell", input: { to: "me", text: "hello" } });
  expect(await list()).toMatchObject([{ effect: "write" }]);
  const edit = '{"to": "ann@hill", "text": "hello"}';
  expect((await place.run("approve", "1", "--edit", edit)).exitCode).toBe(0);
  expect(await shown(1)).toMatchObject({ effect: "send", outcome: { state: "done" } });
  expect((await place.run("undo", "1")).stderr).toContain("deeds_tell cannot be undone");
  expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
});

test("an expired approval is refused, whether or not anybody came by to end it", async () => {
  await deeds.ring(sending("ann@hill"), sending("bob@dale"));
  const db = new Database(join(place.stateDir, "watchkeeper.db"));
  db.prepare("update approvals set expires_at = ?").run(Date.now() - 1);
  db.close();
  for (const word of ["approve", "deny"]) {
    const { exitCode, stdout, stderr } = await place.run(word, "1");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain("approval 1 has expired; it was not done");
  }
  await place.run("beat");
  expect((await list("--all")).map(({ status }) => status)).toEqual(["expired", "expired"]);
  expect((await place.run("approve", "2")).stderr).toContain("approval 2 has expired");
  const titles = z.array(contract.finding).parse((await place.json("findings")).value);
  expect(titles.map(({ title }) => title)).toContain(
    "Approval 1 has expired: deeds_send was not done",
  );
  expect(await deeds.lines("sent.txt")).toEqual([]);
});

test("a config that cannot be used is said before the word is given", async () => {
  await deeds.ring(sending("ann@hill"));
  const config = await place.read("agent.config.ts");
  await place.config("{ skils: {} }");
  const { exitCode, stderr } = await place.run("approve", "1");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("skils");
  expect(await list()).toMatchObject([{ id: 1, status: "pending" }]);
  await place.write("agent.config.ts", config);
  expect((await place.run("approve", "1")).exitCode).toBe(0);
  expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
});

test.each([
  [["approvals", "show", "9"], 1, "there is no approval 9"],
  [["approve", "9"], 1, "there is no approval 9"],
  [["deny", "9"], 1, "there is no approval 9"],
  [["approve", "x"], 2, '"x" is not an id'],
  [["undo", "-1"], 2, ""],
] as const)("%j is refused in one line", async (words, code, message) => {
  await place.run("beat");
  const { exitCode, stdout, stderr } = await place.run(...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
  expect(stderr).toMatch(oneLine);
  expect(stderr).toContain(message);
});

test.each([
  [["approvals"]],
  [["approve", "1"]],
  [["deny", "1"]],
  [["undo", "1"]],
  [["pause"]],
  [["resume"]],
])("where nothing was ever watched, %j says so and makes nothing", async (words) => {
  const { exitCode, stderr } = await place.run(...words);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("there is no watch in");
  await expect(place.read("state/watchkeeper.db")).rejects.toThrow("ENOENT");
});
