import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";

/** A skill that hears of news between its looks can call one early; it cannot make the daemon spin. */

const skill = `
import { defineSkill } from "watchkeeper";
export default defineSkill({
  checks: () => ({ mail: { every: "1h", observe: async () => {
    globalThis.earlyLooks.looks += 1;
    return { observations: [] };
  } } }),
  background: async ({ wake, signal }) => {
    globalThis.earlyLooks.wake = wake;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    globalThis.earlyLooks.ended = true;
  },
});
`;

interface Bell {
  looks: number;
  wake: (check: string) => void;
  ended: boolean;
}

test("calls for an early look are taken together, bounded, and cost nothing when the name is wrong", async () => {
  await using folder = await temporaryFolder();
  const bell: Bell = { looks: 0, wake: () => undefined, ended: false };
  Object.assign(globalThis, { earlyLooks: bell });
  const dir = join(folder.path, "bell");
  await mkdir(dir);
  await writeFile(join(dir, "SKILL.md"), "---\nname: bell\ndescription: Rings.\n---\n");
  await writeFile(join(dir, "index.ts"), skill.replace('"watchkeeper"', JSON.stringify(publicApi)));
  {
    await using kept = await keepWatch({
      folder: folder.path,
      clock: new FakeClock(),
      skills: { "./bell": {} },
    });
    expect(bell.looks).toBe(1);
    await kept.pass(60_000);
    for (let ring = 0; ring < 100; ring += 1) bell.wake("mail");
    bell.wake("nothing");
    await kept.pass(0);
    expect(bell.looks).toBe(2);
    // Within ten seconds of the last look it waits for its turn.
    bell.wake("mail");
    await kept.pass(9_000);
    expect(bell.looks).toBe(2);
    await kept.pass(1_000);
    expect(bell.looks).toBe(3);
    // The interval goes on from its grid.
    await kept.pass(60 * 60_000);
    expect(bell.looks).toBe(4);
  }
  expect(bell.ended).toBe(true);
});

/** A watch over one check, whose looks are counted, with the bell that calls them early. */
async function belfry(observe: (look: number) => Promise<{ observations: [] }>) {
  const folder = await temporaryFolder();
  const bell = { looks: 0, wake: (_check: string) => undefined as void, observe };
  Object.assign(globalThis, { earlyLooks: bell });
  const dir = join(folder.path, "bell");
  await mkdir(dir);
  await writeFile(join(dir, "SKILL.md"), "---\nname: bell\ndescription: Rings.\n---\n");
  const observed = skill.replace(
    "return { observations: [] };",
    "return globalThis.earlyLooks.observe(globalThis.earlyLooks.looks);",
  );
  await writeFile(
    join(dir, "index.ts"),
    observed.replace('"watchkeeper"', JSON.stringify(publicApi)),
  );
  const kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    skills: { "./bell": {} },
  });
  return {
    ...{ bell, kept },
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a check that fails keeps its growing waits, however often it is called", async () => {
  await using tower = await belfry(() => Promise.reject(new Error("no route")));
  const { bell, kept } = tower;
  for (let second = 0; second < 300; second += 1) {
    bell.wake("mail");
    await kept.pass(1_000);
  }
  expect(bell.looks).toBe(1);
});

test("what is heard of while a look is under way is looked for after it", async () => {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using tower = await belfry(async (look) => {
    if (look === 2) {
      begun.resolve();
      await gate.promise;
    }
    return { observations: [] };
  });
  const { bell, kept } = tower;
  await kept.pass(60_000);
  bell.wake("mail");
  await begun.promise;
  bell.wake("mail");
  gate.resolve();
  await kept.pass(11_000);
  expect(bell.looks).toBe(3);
  await kept.pass(60_000);
  expect(bell.looks).toBe(3);
});

const publicApi = join(import.meta.dirname, "..", "..", "src", "index.ts");
