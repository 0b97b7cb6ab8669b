import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, test } from "vitest";
import { checkout } from "./miniature.ts";

// Row imports column: written out by hand and apart from the rule's own table, so that a slip in one shows.
const expected = `
           domain telemetry config store skills demo control model memory notify effects agent heartbeat daemon views web cli testing index mcp
domain     =      -         -      -     -      -    -       -     -      -      -       -     -         -      -     -   -   -       -       -
telemetry  +      =         -      -     -      -    -       -     -      -      -       -     -         -      -     -   -   -       -       -
config     +      -         =      -     -      -    -       -     -      -      -       -     -         -      -     -   -   -       -       -
store      +      -         -      =     -      -    -       -     -      -      -       -     -         -      -     -   -   -       -       -
skills     +      -         +      -     =      -    -       -     -      -      -       -     -         -      -     -   -   -       -       -
demo       +      -         -      -     -      =    -       -     -      -      -       -     -         -      -     -   -   -       -       -
control    +      -         -      -     -      -    =       -     -      -      -       -     -         -      -     -   -   -       -       -
model      +      +         +      +     -      -    -       =     -      -      -       -     -         -      -     -   -   -       -       -
memory     +      +         +      +     -      -    -       -     =      -      -       -     -         -      -     -   -   -       -       -
notify     +      +         +      +     -      -    -       -     -      =      -       -     -         -      -     -   -   -       -       -
effects    +      +         +      +     +      -    -       -     -      -      =       -     -         -      -     -   -   -       -       -
agent      +      +         +      +     +      -    -       +     +      +      +       =     -         -      -     -   -   -       -       -
heartbeat  +      +         +      +     +      -    -       +     +      +      +       +     =         -      -     -   -   -       -       -
daemon     +      +         +      +     +      +    +       +     +      +      +       +     +         =      -     -   -   -       -       +
views      +      -         -      +     -      -    -       -     -      -      -       -     -         -      =     -   -   -       -       -
web        +      +         +      +     +      +    +       +     +      +      +       +     +         +      +     =   -   -       -       +
cli        +      +         +      +     +      +    +       +     +      +      +       +     +         +      +     +   =   -       -       +
testing    +      +         +      +     +      -    -       +     +      +      +       +     +         -      -     -   -   =       -       -
index      +      -         +      -     +      -    -       -     -      -      -       -     -         -      -     -   -   -       =       -
mcp        +      +      +      +      +      -      -      -      -      -      -      -      -      -      -      -      -      -      -      =
`;

const [header = [], ...rows] = expected
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/));
const eslint = new ESLint({
  cwd: checkout,
  overrideConfig: [
    { ...tseslint.configs.disableTypeChecked, files: ["**/*.ts"] },
    { languageOptions: { parserOptions: { projectService: false } } },
  ],
  ruleFilter: ({ ruleId }) =>
    [
      "watchkeeper/boundaries",
      "no-restricted-imports",
      "no-restricted-syntax",
      "no-console",
    ].includes(ruleId),
});

/** The rules that refuse this code at this path, each as often as it does. */
async function refusals(filePath: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath });
  expect(result?.fatalErrorCount, result?.messages[0]?.message).toBe(0);
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

const single = ["control", "daemon", "index"];
const pathOf = (layer: string, file: string) =>
  single.includes(layer) ? `src/${layer}.ts` : `src/${layer}/${file}`;

describe("between the layers of src/", () => {
  test("the table names every pair", () => {
    expect(header).toHaveLength(20);
    expect(rows.map(([layer]) => layer)).toEqual(header);
    expect(rows.every((row) => row.length === 21)).toBe(true);
  });

  test.each(rows)(
    "%s imports what the table allows, and nothing else in any way",
    async (...row) => {
      const [importer = "", ...marks] = row;
      for (const [column, mark] of marks.entries()) {
        const target = header[column] ?? "";
        const up = single.includes(importer) ? "./" : "../";
        const specifier = `${up}${pathOf(target, "thing.ts").replace("src/", "")}`;
        const ways = [
          `import { thing } from "${specifier}"; thing();`,
          `import type { Thing } from "${specifier}"; export type Mine = Thing;`,
          `export { thing } from "${specifier}";`,
          `export * from "${specifier}";`,
          `export const load = async () => import("${specifier}");`,
          `export type Mine = import("${specifier}").Thing;`,
        ];
        const found = await refusals(pathOf(importer, "planted.ts"), ways.join("\n"));
        const refused = mark === "-" ? ways.map(() => "watchkeeper/boundaries") : [];
        expect(found, `${importer} importing ${target}`).toEqual(refused);
      }
    },
  );

  test.each([
    ["src/store/queries/beats.ts", "../../agent/run.ts"],
    ["src/store/queries/beats.ts", "./../../agent/run.ts"],
    ["src/store/open.ts", "../store/../agent/run.ts"],
    ["src/store/open.ts", "../../src/agent/run.ts"],
    ["src/domain/diff.ts", "../index.ts"],
    ["src/newcomer/thing.ts", "../domain/finding.ts"],
    ["src/store/open.ts", "../newcomer/thing.ts"],
    ["src/cli/demo.ts", "../../skills/inbox/index.ts"],
    ["src/cli/demo.ts", "../../tests/servers/dovecot.ts"],
    ["src/cli/start.ts", "watchkeeper"],
    ["src/agent/run.ts", "watchkeeper/testing"],
  ])("%s may not import %s, however it is spelled", async (file, specifier) => {
    expect(await refusals(file, `import "${specifier}";`)).toEqual(["watchkeeper/boundaries"]);
  });

  test("a unit test may use what is made for tests, and no layer above its own", async () => {
    const inTest = async (specifier: string) =>
      refusals("src/store/open.test.ts", `import "${specifier}";`);
    expect(await inTest("../testing/fake-clock.ts")).toEqual([]);
    expect(await inTest("../../tests/servers/dovecot.ts")).toEqual([]);
    expect(await inTest("../agent/run.ts")).toEqual(["watchkeeper/boundaries"]);
  });
});

describe("packages", () => {
  test.each([
    ["src/domain/diff.ts", "node:fs"],
    ["src/domain/diff.ts", "pino"],
    ["src/domain/diff.ts", "zodiac"],
    ["src/agent/run.ts", "drizzle-orm"],
    ["src/agent/run.ts", "drizzle-orm/better-sqlite3"],
    ["src/heartbeat/beat.ts", "better-sqlite3"],
    ["src/agent/run.ts", "@anthropic-ai/sdk"],
  ])("%s may not import %s", async (file, specifier) => {
    expect(await refusals(file, `import "${specifier}";`)).toEqual(["watchkeeper/boundaries"]);
  });

  test.each([
    ["src/domain/schedule.ts", "zod"],
    ["src/domain/schedule.ts", "croner"],
    ["src/domain/diff.ts", "node:crypto"],
    ["src/store/open.ts", "drizzle-orm/better-sqlite3"],
    ["src/model/anthropic.ts", "@anthropic-ai/sdk"],
  ])("%s may import %s", async (file, specifier) => {
    expect(await refusals(file, `import "${specifier}";`)).toEqual([]);
  });

  test("the agent speaks of the provider's types, and of none of the database's", async () => {
    const type = async (specifier: string) =>
      refusals("src/agent/run.ts", `import type { A } from "${specifier}"; export type B = A;`);
    expect(await type("@anthropic-ai/sdk")).toEqual([]);
    expect(await type("drizzle-orm")).toEqual(["watchkeeper/boundaries"]);
  });
});

describe("skills", () => {
  test.each([
    ["skills/inbox/index.ts", "../../src/domain/finding.ts"],
    ["skills/inbox/imap.ts", "../../src/index.ts"],
    ["skills/inbox/sources/imap.ts", "../../calendar/index.ts"],
    ["skills/inbox/index.ts", "../../tests/servers/dovecot.ts"],
    ["skills/inbox/index.ts", "watchkeeper/testing"],
    ["skills/inbox/index.test.ts", "../../src/testing/maildir.ts"],
    ["agent.config.ts", "./src/demo/world.ts"],
  ])("%s may not import %s", async (file, specifier) => {
    expect(await refusals(file, `import "${specifier}";`)).toEqual(["watchkeeper/boundaries"]);
  });

  test.each([
    ["skills/inbox/index.ts", "watchkeeper"],
    ["skills/inbox/index.ts", "./imap.ts"],
    ["skills/inbox/sources/imap.ts", "../message.ts"],
    ["skills/inbox/imap.ts", "imapflow"],
    ["skills/inbox/index.test.ts", "watchkeeper/testing"],
    ["skills/inbox/index.test.ts", "../../tests/servers/dovecot.ts"],
    ["agent.config.ts", "watchkeeper"],
    ["tests/whole-daemon.test.ts", "../src/store/open.ts"],
  ])("%s may import %s", async (file, specifier) => {
    expect(await refusals(file, `import "${specifier}";`)).toEqual([]);
  });
});

describe("the world outside", () => {
  const processes = `import { spawn } from "node:child_process"; spawn("true");`;
  const environment = [
    `export const a = process.env.HOME;`,
    `export const { env } = process;`,
    `import { env as renamed } from "node:process"; export const b = renamed.HOME;`,
  ];
  const layersInside = header.filter(
    (layer) => !["config", "daemon", "cli", "testing"].includes(layer),
  );

  test.each([...layersInside.map((layer) => pathOf(layer, "planted.ts")), "skills/inbox/index.ts"])(
    "%s may not read the environment, start processes or print",
    async (file) => {
      expect(await refusals(file, processes)).toContain("no-restricted-imports");
      for (const code of environment) {
        const found = await refusals(file, code);
        expect(
          found.filter((rule) => rule?.startsWith("no-restricted")),
          code,
        ).toHaveLength(1);
      }
      expect(await refusals(file, `console.log("hello");`)).toEqual(["no-console"]);
    },
  );

  test.each(["src/config/load.ts", "src/daemon.ts", "src/daemon/ground.ts", "src/cli/start.ts"])(
    "%s may read the environment and start processes",
    async (file) => {
      expect(await refusals(file, [processes, ...environment.slice(0, 2)].join("\n"))).toEqual([]);
    },
  );

  test("of the skills one file starts processes, and does nothing else that they may not", async () => {
    const file = "skills/services/run-command.ts";
    expect(await refusals(file, processes)).toEqual([]);
    expect(await refusals("skills/services/restart-tool.ts", processes)).toEqual([
      "no-restricted-imports",
    ]);
    expect(await refusals(file, processes.replace("node:", ""))).toEqual(["no-restricted-imports"]);
    for (const code of environment) expect(await refusals(file, code)).toHaveLength(1);
  });

  test("only the CLI prints", async () => {
    expect(await refusals("src/cli/status.ts", `console.log("hello");`)).toEqual([]);
    expect(await refusals("src/daemon.ts", `console.log("hello");`)).toEqual(["no-console"]);
  });
});
