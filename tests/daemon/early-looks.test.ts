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

const publicApi = join(import.meta.dirname, "..", "..", "src", "index.ts");
