import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { ConfigError } from "../domain/errors.ts";
import { defineSkill, defineTool, type CheckDefinition, type AnyTool } from "./define.ts";
import { loadSkills, silentSkillLog } from "./load.ts";

const skillFile = "---\ndescription: Watches things.\n---\n\nJudge them well.\n";
const check: CheckDefinition = { observe: () => Promise.resolve({ observations: [] }) };
const tool = defineTool({
  description: "Looks.",
  effect: "read",
  input: z.object({ id: z.string() }),
  run: () => Promise.resolve(null),
});

interface Folder {
  /** Null for none. */
  readonly skillFile?: string | null;
  /** What the default export of its index.ts is, or a function that throws what importing it throws. */
  readonly module?: unknown;
}

/** Skill folders on disk, by path below a config's folder; `builtin/…` are the built-in ones. */
function world(folders: Record<string, Folder>) {
  const baseDir = mkdtempSync(join(tmpdir(), "watchkeeper-skills-"));
  onTestFinished(() => rmSync(baseDir, { recursive: true, force: true }));
  const modules = new Map<string, unknown>();
  for (const [path, folder] of Object.entries(folders)) {
    const dir = join(baseDir, path);
    mkdirSync(dir, { recursive: true });
    const text = folder.skillFile === undefined ? skillFile : folder.skillFile;
    if (text !== null) writeFileSync(join(dir, "SKILL.md"), text);
    if (!("module" in folder)) continue;
    const file = join(dir, "index.ts");
    writeFileSync(file, "");
    modules.set(file, folder.module);
  }
  return {
    baseDir,
    load: (skills: Record<string, unknown>) =>
      loadSkills(
        {
          skills: new Map(Object.entries(skills)),
          baseDir,
          timezone: "Europe/Berlin",
          heartbeat: { everyMs: 300_000 },
        },
        {
          builtinSkillsDir: join(baseDir, "builtin"),
          logFor: silentSkillLog,
          stateDir: join(baseDir, "state"),
          importModule: async (file) => {
            const module = modules.get(file);
            if (module instanceof Error) throw module;
            return module;
          },
        },
      ),
  };
}

/** The one skill `./one`, with that default export. */
const loadOne = (module: unknown, config: unknown = {}) =>
  world({ one: { module } }).load({ "./one": config });

const whyBroken = async (module: unknown, config?: unknown) => {
  const { skills, broken } = await loadOne(module, config);
  expect(skills).toEqual([]);
  expect(broken).toMatchObject([{ name: "one", origin: expect.stringMatching(/one$/) }]);
  return broken[0]?.error;
};

describe("a skill is found", () => {
  it("built in, beside the config, or by path, in the config's order", async () => {
    const { load, baseDir } = world({
      "builtin/inbox": {},
      "skills/inbox": {},
      "skills/mine": {},
      "other/place": {},
    });
    const { skills, broken } = await load({
      "./other/place": {},
      mine: {},
      inbox: {},
    });
    expect(broken).toEqual([]);
    expect(skills.map(({ name, origin }) => [name, origin])).toEqual([
      ["place", join(baseDir, "other/place")],
      ["mine", join(baseDir, "skills/mine")],
      ["inbox", "built-in"],
    ]);
  });

  it("or is missing, which is the owner's to mend", async () => {
    const { load } = world({ "builtin/inbox": {} });
    const missing = (key: string) =>
      expect(load({ inbox: {}, [key]: {} })).rejects.toMatchObject({
        name: "ConfigError",
        code: "SKILL_MISSING",
        message: `skills: there is no skill "${key}"`,
        hint: hints[key],
      });
    const hints: Record<string, unknown> = {
      inbx: 'Did you mean "inbox"?',
      weather: expect.stringContaining("Built in are inbox, calendar and services"),
      "./gone": expect.stringMatching(/Nothing lies at .*gone/),
      "../builtin/inbox/SKILL.md": expect.stringContaining("Nothing lies at"),
    };
    for (const key of Object.keys(hints)) await missing(key);
  });

  it("twice, which is refused", async () => {
    const { load } = world({ "a/one": {}, "b/one": {} });
    await expect(load({ "./a/one": {}, "./b/one": {} })).rejects.toMatchObject({
      name: "ConfigError",
      code: "SKILL_TWICE",
    });
  });
});

describe("a skill is loaded", () => {
  it("from SKILL.md alone", async () => {
    const { load } = world({ words: {} });
    expect(await load({ "./words": {} })).toMatchObject({
      broken: [],
      skills: [
        {
          name: "words",
          description: "Watches things.",
          instructions: "Judge them well.",
          checks: [],
          tools: [],
        },
      ],
    });
  });

  it("with its config, zone and folder, its checks and tools by their full names", async () => {
    const contexts: unknown[] = [];
    const skill = defineSkill({
      config: z.object({ folder: z.string(), limit: z.number().default(5) }),
      checks: (context) => {
        contexts.push(context);
        return {
          queue: { ...check, every: "30m", timeout: "20s" },
          morning: { ...check, cron: "0 8 * * *" },
          usual: check,
        };
      },
      tools: () => ({ requeue: { ...tool, timeout: "1m" } }),
    });
    const { load, baseDir } = world({ "my-queue": { module: skill } });
    const { skills, broken } = await load({ "./my-queue": { folder: "in" } });
    expect(broken).toEqual([]);
    expect(contexts).toMatchObject([
      { config: { folder: "in", limit: 5 }, timezone: "Europe/Berlin", baseDir },
    ]);
    expect(skills).toMatchObject([
      {
        checks: [
          {
            name: "my-queue/queue",
            schedule: { kind: "interval", everyMs: 1_800_000 },
            timeoutMs: 20_000,
          },
          { name: "my-queue/morning", schedule: { kind: "cron" }, timeoutMs: 30_000 },
          { name: "my-queue/usual", schedule: { kind: "interval", everyMs: 300_000 } },
        ],
        tools: [{ name: "my_queue_requeue", skill: "my-queue", timeoutMs: 60_000 }],
      },
    ]);
  });

  it("and lets go of what it holds when it is closed", async () => {
    const closed: string[] = [];
    const { skills } = await loadOne({ close: async () => closed.push("one") });
    await skills[0]?.close();
    expect(closed).toEqual(["one"]);
  });
});

describe("its config", () => {
  const skill = defineSkill({
    config: z.object({ folder: z.string(), nested: z.object({ n: z.number() }).optional() }),
    checks: () => ({ queue: check }),
  });

  it.each<[string, unknown, RegExp]>([
    ["a missing key", {}, /skills\.\.\/one\.folder|folder/],
    ["nothing at all", undefined, /folder/],
    ["a wrong type, by its path", { folder: "a", nested: { n: "x" } }, /nested\.n/],
    ["an unknown key, though the schema is not strict", { folder: "a", foldr: 1 }, /foldr.*folder/],
    ["true", true, /one/],
  ])("is the owner's to mend: %s", async (_, config, message) => {
    const loading = loadOne(skill, config);
    await expect(loading).rejects.toBeInstanceOf(ConfigError);
    await expect(loading).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
    await expect(loading).rejects.toThrow('skills["./one"]');
  });

  it("may be left to a schema that is not an object", async () => {
    const names = defineSkill({ config: z.array(z.string()), checks: () => ({ queue: check }) });
    expect((await loadOne(names, ["a"])).broken).toEqual([]);
  });
});

describe("a broken skill is reported and switched off", () => {
  const explode = () => {
    throw new Error("exploded\n    at somewhere");
  };
  const unloadable = new ConfigError("MODULE_UNLOADABLE", "index.ts: has a syntax error", {
    hint: "Correct it",
  });

  it.each<[string, unknown, RegExp]>([
    ["cannot be imported", unloadable, /^index\.ts: has a syntax error\. Correct it$/],
    ["throws when it is imported", new Error("no such host"), /^no such host$/],
    ["exports no skill", "a skill", /does not export a skill.*defineSkill/],
    ["exports nothing", null, /does not export a skill/],
    ["has checks that are no function", { checks: {} }, /does not export a skill/],
    ["throws in checks()", { checks: explode }, /^exploded at somewhere$/],
    ["throws in tools()", { tools: explode }, /^exploded/],
    ["has a config that is no schema", { config: { a: 1 } }, /config is not a zod schema/],
    ["has a check without observe", { checks: () => ({ a: {} }) }, /one\/a: has no observe/],
    ["has nothing for a check", { checks: () => ({ a: null }) }, /\w/],
    [
      "has a check with a bad interval",
      { checks: () => ({ a: { ...check, every: "often" } }) },
      /one\/a: .*often/,
    ],
    [
      "has a check with a bad cron",
      { checks: () => ({ a: { ...check, cron: "61 * * * *" } }) },
      /one\/a: .*61/,
    ],
    [
      "has a check with a bad timeout",
      { checks: () => ({ a: { ...check, timeout: "soon" } }) },
      /one\/a: timeout "soon"/,
    ],
    [
      "has a check with a bad name",
      { checks: () => ({ "a/b c": check }) },
      /is not a check's name/,
    ],
  ])("that %s", async (_, module, error) => {
    expect(await whyBroken(module)).toMatch(error);
  });

  const tools: [string, Record<string, Partial<AnyTool> | null>, RegExp][] = [
    ["a bad name", { "a b": tool }, /one_a b: is not a tool's name/],
    ["a name that is too long", { ["a".repeat(61)]: tool }, /at most 64/],
    ["no schema", { a: { ...tool, input: { id: "string" } as never } }, /has no zod schema/],
    ["an input that is text", { a: { ...tool, input: z.string() } }, /not one object/],
    [
      "an input that is a choice",
      { a: { ...tool, input: z.union([z.object({ b: z.int() }), z.object({ c: z.int() })]) } },
      /not one object/,
    ],
    ["no description", { a: { ...tool, description: " " } }, /has no description/],
    ["no effect", { a: { ...tool, effect: "wipe" as never } }, /read, write, send, destroy/],
    ["no run", { a: { ...tool, run: 5 as never } }, /has no run function/],
    ["a bad timeout", { a: { ...tool, timeout: "1 hour" } }, /timeout "1 hour"/],
    ["nothing in its place", { a: null }, /\w/],
  ];

  it.each(tools)("that has a tool with %s", async (_, made, error) => {
    expect(await whyBroken({ tools: () => made })).toMatch(error);
  });

  it.each<[string, Folder, RegExp]>([
    ["has no SKILL.md", { skillFile: null }, /has no SKILL\.md/],
    ["has bad frontmatter", { skillFile: "---\ndescription: [\n---\n" }, /not YAML/],
    ["has no description", { skillFile: "# Hello" }, /does not begin with frontmatter/],
  ])("that %s", async (_, folder, error) => {
    const { load } = world({ one: folder });
    expect((await load({ "./one": {} })).broken).toMatchObject([
      { name: "one", error: expect.stringMatching(error) },
    ]);
  });

  it("that has a bad name itself", async () => {
    const { load } = world({ My_Skill: {} });
    expect((await load({ "./My_Skill": {} })).broken).toMatchObject([
      { name: "My_Skill", error: expect.stringContaining("small letters") },
    ]);
  });

  it("whose tool has the name of another skill's", async () => {
    const { load } = world({
      "a-b": { module: { tools: () => ({ c: tool }) } },
      a: { module: { tools: () => ({ b_c: tool }) } },
    });
    const { skills, broken } = await load({ "./a-b": {}, "./a": {} });
    expect(skills.map(({ name }) => name)).toEqual(["a-b"]);
    expect(broken).toMatchObject([{ name: "a", error: expect.stringContaining('"a-b"') }]);
  });

  it("while the others go on", async () => {
    const { load } = world({
      first: { module: { checks: () => ({ a: check }) } },
      one: { module: { checks: explode } },
      last: {},
    });
    const { skills, broken } = await load({ "./first": {}, "./one": {}, "./last": {} });
    expect(skills.map(({ name }) => name)).toEqual(["first", "last"]);
    expect(broken.map(({ name }) => name)).toEqual(["one"]);
  });
});
