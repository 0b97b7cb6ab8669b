import { expect, test } from "vitest";
import { defineTool, z, type ObserveResult, type RuleAction } from "watchkeeper";
import { FakeClock } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";

/** What the owner's rules ask for is planned with the look and done once, without a model. */

const minute = 60_000;

/** A check whose looks are the list's, one after the other, and a tool that keeps account of its calls. */
function household(looks: readonly (readonly RuleAction[])[], { fails = false } = {}) {
  const restarted: string[] = [];
  let turn = 0;
  const check = {
    every: "1m",
    async observe(): Promise<ObserveResult> {
      const actions = looks[turn] ?? [];
      turn += 1;
      return {
        observations: [seen("down", { severity: "info" })],
        complete: true,
        actions: [...actions],
      };
    },
  };
  const restart = defineTool({
    description: "Restarts.",
    effect: "send",
    input: z.strictObject({ target: z.string() }),
    async run({ target }) {
      restarted.push(target);
      if (fails) throw new Error("no such unit");
      return { restarted: target };
    },
  });
  const wipe = defineTool({
    description: "Wipes.",
    effect: "destroy",
    input: z.strictObject({}),
    run: async () => restarted.push("wiped"),
  });
  const look = defineTool({
    description: "Looks.",
    effect: "read",
    input: z.strictObject({}),
    run: async () => null,
  });
  return { restarted, play: { checks: { house: check }, tools: { restart, wipe, look } } };
}

const restart = (key: string, more: Partial<RuleAction> = {}): RuleAction => ({
  key,
  tool: "restart",
  input: { target: key },
  ...more,
});

async function watched({ play }: ReturnType<typeof household>) {
  const folder = await temporaryFolder();
  const kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    config: { heartbeat: { every: "1m" } },
    play,
  });
  return {
    ...kept,
    async pass(ms: number) {
      await kept.pass(ms);
      await kept.watch.attendance.carryOutApproved();
    },
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const ruleFindings = async (kept: Pick<KeptWatch, "findings">) =>
  (await kept.findings()).filter(({ check }) => check === "watchkeeper/rules");

test("an action is done once for its key, however often it is asked for, and journalled", async () => {
  const home = household([[restart("a")], [restart("a"), restart("b")], [restart("b")]]);
  await using kept = await watched(home);
  await kept.pass(3 * minute);
  expect(home.restarted).toEqual(["a", "b"]);
  const effects = await kept.store.listEffects({ limit: 10 });
  expect(effects).toMatchObject([
    {
      tool: "stage_restart",
      state: "done",
      check: "stage/house",
      runId: null,
      arguments: { target: "b" },
    },
    { tool: "stage_restart", state: "done", check: "stage/house", result: { restarted: "a" } },
  ]);
});

test("above the bound per hour nothing is done, the receipt says so, and an hour later it is", async () => {
  const again = Array.from({ length: 70 }, () => [restart("a"), restart("b")]);
  const home = household(
    again.map((actions) => actions.map((action) => ({ ...action, maxPerHour: 1 }))),
  );
  await using kept = await watched(home);
  await kept.pass(minute);
  expect(home.restarted).toEqual(["a"]);
  const [beat] = await kept.store.listBeats({ limit: 1 });
  expect(beat?.checks[0]?.notes?.join()).toMatch(/bound per hour is reached: 1 action/);
  await kept.pass(61 * minute);
  expect(home.restarted).toEqual(["a", "b"]);
});

test("what cannot be undone, only reads, is unknown or does not fit is set aside with a note", async () => {
  const bad: RuleAction[] = [
    { key: "1", tool: "wipe", input: {} },
    { key: "2", tool: "look", input: {} },
    { key: "3", tool: "none", input: {} },
    { key: "4", tool: "restart", input: { target: 7 } },
    { key: "", tool: "restart", input: { target: "x" } },
  ];
  const home = household([[...bad, restart("good")]]);
  await using kept = await watched(home);
  await kept.pass(0);
  expect(home.restarted).toEqual(["good"]);
  const beats = await kept.store.listBeats({ limit: 10 });
  const notes = beats.flatMap(({ checks }) => checks.flatMap((line) => line.notes ?? []));
  expect(notes).toHaveLength(5);
  expect(notes.join("\n")).toMatch(
    /cannot be undone[^]*only reads[^]*no tool "none"[^]*does not fit[^]*key/,
  );
});

test("a paused watch keeps it for later", async () => {
  const home = household([[], [restart("a")]]);
  await using kept = await watched(home);
  await kept.store.pause({ pausedAt: kept.clock.now(), until: null, reason: null });
  await kept.pass(5 * minute);
  expect(home.restarted).toEqual([]);
  await kept.store.resume();
  await kept.pass(minute);
  expect(home.restarted).toEqual(["a"]);
});

test("one that has waited for a day is not done any more, and that is said", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const home = household([[restart("a")]]);
  const options = { folder: folder.path, clock, config: { heartbeat: { every: "1m" } } };
  {
    await using kept = await keepWatch({
      ...options,
      play: { checks: {}, tools: home.play.tools },
    });
    await kept.store.pause({ pausedAt: clock.now(), until: null, reason: null });
  }
  {
    await using kept = await keepWatch({ ...options, play: home.play });
    expect(await kept.store.plannedActions()).toHaveLength(1);
  }
  await clock.advance(25 * 60 * minute);
  await using kept = await keepWatch({ ...options, play: home.play });
  await kept.store.resume();
  await kept.pass(minute);
  await kept.watch.attendance.carryOutApproved();
  expect(home.restarted).toEqual([]);
  expect(await ruleFindings(kept)).toMatchObject([
    { severity: "warning", text: expect.stringContaining("waited for too long") },
  ]);
});

test("what nobody knows the outcome of is put to the owner and never repeated", async () => {
  const home = household([[restart("a")], [restart("a")]], { fails: true });
  await using kept = await watched(home);
  await kept.pass(2 * minute);
  expect(home.restarted).toEqual(["a"]);
  const [effect] = await kept.store.listEffects({ limit: 1 });
  expect(effect).toMatchObject({
    state: "unknown",
    error: expect.stringContaining("no such unit"),
  });
  expect((await kept.findings()).map(({ check }) => check)).toContain("watchkeeper/effects");
});

test("what a killed process had planned is done at the next start", async () => {
  await using folder = await temporaryFolder();
  const options = {
    folder: folder.path,
    clock: new FakeClock(),
    config: { heartbeat: { every: "1m" } },
  };
  const home = household([[restart("a")]]);
  {
    // Paused, so that nothing comes between the look that plans it and the end of the process.
    await using kept = await keepWatch({
      ...options,
      play: { checks: {}, tools: home.play.tools },
    });
    await kept.store.pause({ pausedAt: kept.clock.now(), until: null, reason: null });
  }
  {
    await using kept = await keepWatch({ ...options, play: home.play });
    expect(await kept.store.plannedActions()).toHaveLength(1);
    await kept.store.resume();
  }
  await using kept = await keepWatch({ ...options, play: home.play });
  await kept.watch.attendance.carryOutApproved();
  expect(home.restarted).toEqual(["a"]);
  expect(await kept.store.plannedActions()).toEqual([]);
});

test("an action whose input holds a secret is set aside: what is done is what was asked, letter for letter", async () => {
  const looks = [[{ ...restart("a"), input: { target: "web-sk-test-0123456789" } }, restart("b")]];
  const home = household(looks);
  await using folder = await temporaryFolder();
  await using kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    play: home.play,
    config: {
      model: { chain: [{ model: "claude-sonnet-5-5", apiKey: "sk-test-0123456789" }] },
    },
  });
  await kept.watch.attendance.carryOutApproved();
  expect(home.restarted).toEqual(["b"]);
  const [beat] = await kept.store.listBeats({ limit: 1 });
  expect(beat?.checks[0]?.notes?.join()).toMatch(
    /action 1 was set aside: its input holds a secret/,
  );
});
