/** What `skills new` writes: a skill that works as it is, and shows where one's own goes. */
export const skillTemplate = (name: string): Record<string, string> => ({
  "SKILL.md": instructions(name),
  "index.ts": code(name),
  "index.test.ts": test,
});

const instructions = (name: string): string => `---
name: ${name}
description: Watches how much space is left on a disk.
metadata:
  version: "0.1.0"
---

Little space is worth \`digest\` as long as it is a warning, and \`notify\` when it is critical.
Call \`${name.replaceAll("-", "_")}_free\` when you need the exact number.
`;

const code = (name: string): string => `import { statfs } from "node:fs/promises";
import { resolve } from "node:path";
import { AdapterError, defineSkill, defineTool, z, type ObservationInput } from "watchkeeper";

/** Watches how much space is left where a folder lies. Put what you want to watch in its place. */
export default defineSkill({
  // What stands beside the skill's path in agent.config.ts.
  config: z.strictObject({
    folder: z.string().min(1).default("."),
    leastPercent: z.number().min(0).max(100).default(10),
  }),

  checks: ({ config, baseDir }) => ({
    // A state: what is returned is all there is, so what is missing from it is over.
    space: {
      every: "15m",
      timeout: "10s",
      async observe() {
        const free = await freePercent(resolve(baseDir, config.folder));
        const low: ObservationInput = {
          key: config.folder,
          severity: free <= config.leastPercent / 2 ? "critical" : "warning",
          // No number in it: a title that changes at every look is news at every look.
          title: \`Little space is left in \${config.folder}\`,
          // Measured by ourselves. What a stranger may have written stays "untrusted", the default.
          trust: "trusted",
        };
        return { observations: free <= config.leastPercent ? [low] : [], complete: true };
      },
    },
  }),

  tools: ({ config, baseDir }) => ({
    free: defineTool({
      description: "Say how many percent of the watched disk are free.",
      effect: "read",
      trust: "trusted",
      input: z.strictObject({}),
      async run() {
        return { freePercent: await freePercent(resolve(baseDir, config.folder)) };
      },
    }),
  }),
});

async function freePercent(folder: string): Promise<number> {
  try {
    const { bavail, blocks } = await statfs(folder);
    return blocks > 0 ? Math.round((bavail / blocks) * 1_000) / 10 : 100;
  } catch (cause) {
    // A look that failed must throw: an empty one would mean that all is well.
    throw new AdapterError("${codeOf(name)}_UNREADABLE", \`cannot look at \${folder}\`, {
      hint: "Correct \`folder\` in the skill's configuration",
      cause,
    });
  }
}
`;

const codeOf = (name: string): string => name.replaceAll("-", "_").toUpperCase();

const test = `import assert from "node:assert/strict";
import { test } from "node:test";
import { callTool, look } from "watchkeeper/testing";
import skill from "./index.ts";

test("little space is found, and enough is not", async () => {
  const low = await look(skill, "space", { config: { leastPercent: 100 } });
  assert.deepEqual(
    low.observations.map(({ key }) => key),
    ["."],
  );
  const enough = await look(skill, "space", { config: { leastPercent: 0 } });
  assert.deepEqual(enough, { observations: [], complete: true });
});

test("a folder that is not there is an error, and no good news", async () => {
  await assert.rejects(look(skill, "space", { config: { folder: "./not-there" } }), {
    name: "AdapterError",
  });
});

test("the tool says how much is free", async () => {
  const result = await callTool(skill, "free", {});
  const { freePercent } = result as { freePercent: number };
  assert.ok(freePercent >= 0 && freePercent <= 100);
});
`;

/** @param paths where the types of our names are, when no node_modules leads to them */
export function tsconfigTemplate(paths: Record<string, string[]> | undefined): string {
  const config = {
    compilerOptions: {
      target: "es2024",
      lib: ["esnext", "dom"],
      module: "nodenext",
      types: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      ...(paths ? { paths } : {}),
    },
    include: ["agent.config.ts", "skills"],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
