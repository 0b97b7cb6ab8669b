import { expect, test } from "vitest";
import * as contract from "./contract.ts";
import { createPlace } from "./place.ts";

/** A check whose rule turns on a lamp at its first look; the second lamp is broken. */
const code = `
import { defineSkill, defineTool, ToolError, z } from "watchkeeper";
export default defineSkill({
  checks: () => ({
    dusk: {
      every: "1h",
      async observe({ cursor }) {
        const turn = (key) => ({ key, tool: "turn", input: { lamp: key } });
        return { observations: [], cursor: "lit", actions: cursor ? [] : [turn("hall"), turn("porch")] };
      },
    },
  }),
  tools: () => ({
    turn: defineTool({
      description: "Turns a lamp on.",
      effect: "write",
      input: z.strictObject({ lamp: z.string() }),
      async run({ lamp }) {
        if (lamp === "porch") throw new ToolError("LAMP_BROKEN", "the lamp is broken");
        return { lamp };
      },
      async undo() {},
    }),
  }),
});
`;

test("beats show lists what the owner's rules did in that beat, and in no other", async () => {
  await using place = await createPlace();
  await place.skill("lamps", code);
  await place.config(`{ skills: { "./skills/lamps": {} } }`);
  await place.run("beat");
  await place.run("beat");
  const show = async (id: string) =>
    contract.beatWithEffects.parse((await place.json("beats", "show", id)).value).ruleEffects;
  const common = { check: "lamps/dusk", tool: "lamps_turn", effect: "write", undoneAt: null };
  expect(await show("1")).toEqual([
    { ...common, effectId: 1, arguments: { lamp: "hall" }, state: "done", error: null },
    {
      ...common,
      ...{ effectId: 2, arguments: { lamp: "porch" }, state: "failed" },
      error: expect.stringContaining("the lamp is broken") as string,
    },
  ]);
  expect(await show("2")).toEqual([]);
  await place.run("undo", "1");
  const { stdout } = await place.run("beats", "show", "1");
  expect(stdout).toContain("2 calls that your rules asked for:\n");
  expect(stdout).toContain("  effect 1: lamps_turn for lamps/dusk, done, undone\n");
  expect(stdout).toContain("  effect 2: lamps_turn for lamps/dusk, failed: the lamp is broken");
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
});
