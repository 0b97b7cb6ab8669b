import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { createPlace } from "../cli/place.ts";
import { keepWatch, temporaryFolder } from "./harness.ts";

/** Writes whatever it is given or finds at hand into a file: nothing takes secrets out of that. */
const telltale = (file: string) => `
import { writeFileSync } from "node:fs";
import { defineSkill, z } from "watchkeeper";
const plain = (_, part) =>
  part instanceof Map ? [...part] : typeof part === "function" ? "function" : part;
export default defineSkill({
  config: z.strictObject({ own: z.string() }),
  checks: (context) => ({
    look: {
      async observe(input) {
        const { env: environment, argv } = process;
        writeFileSync(${JSON.stringify(file)}, JSON.stringify({ context, input, environment, argv }, plain));
        return { observations: [] };
      },
    },
  }),
});
`;

test("a skill finds its own secret in its config, and no other's there or in the environment", async () => {
  await using place = await createPlace();
  const pairs = [
    ["mine", "yours"],
    ["yours", "mine"],
  ] as const;
  for (const [name] of pairs) await place.skill(name, telltale(place.path(`${name}.json`)));
  await place.write(
    ".env",
    "MINE_KEY=mine-of-dotenv\nYOURS_KEY=yours-of-dotenv\nANTHROPIC_API_KEY=sk-of-dotenv\n",
  );
  await place.config(`{ skills: {
    "./skills/mine": { own: secret("MINE_KEY") },
    "./skills/yours": { own: secret("YOURS_KEY") },
  } }`);
  const { exitCode, stderr } = await place.run("beat");
  expect(exitCode, stderr).toBe(0);
  for (const [name, other] of pairs) {
    const seen = await place.read(`${name}.json`);
    const { context, environment } = JSON.parse(seen) as {
      context: { config: unknown };
      environment: Record<string, string>;
    };
    expect(context.config).toEqual({ own: `${name}-of-dotenv` });
    expect(environment).toHaveProperty("PATH");
    expect(seen).not.toContain(`${other}-of-dotenv`);
    expect(seen).not.toContain("sk-of-dotenv");
  }
});

test("skills that cannot let go, or throw at it, do not keep the daemon from stopping", async () => {
  await using folder = await temporaryFolder();
  const api = JSON.stringify(join(import.meta.dirname, "..", "..", "src", "index.ts"));
  const ends = {
    hangs: "new Promise(() => undefined)",
    throws: "Promise.reject(new Error('gone'))",
  };
  for (const [name, end] of Object.entries(ends)) {
    await mkdir(join(folder.path, name));
    await writeFile(
      join(folder.path, name, "SKILL.md"),
      `---\nname: ${name}\ndescription: Holds on.\n---\n`,
    );
    await writeFile(
      join(folder.path, name, "index.ts"),
      `import { defineSkill } from ${api};\nexport default defineSkill({ close: () => ${end} });\n`,
    );
  }
  const clock = new FakeClock();
  const options = { folder: folder.path, clock, skills: { "./hangs": {}, "./throws": {} } };
  const kept = await keepWatch(options);
  let over = false;
  const stopped = Promise.resolve(kept[Symbol.asyncDispose]()).finally(() => (over = true));
  const begunAt = clock.now();
  while (!over) {
    for (let turn = 0; turn < 10 && !over; turn += 1) await nextTurn();
    await clock.advance(100);
  }
  await stopped;
  expect(clock.now() - begunAt).toBeGreaterThanOrEqual(3_000);
  // The state is free for the next one.
  await using again = await keepWatch({ folder: folder.path, clock });
  expect(again.beats).toHaveLength(1);
});
