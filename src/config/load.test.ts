import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configFile, loadConfig, resolveConfig, stateDirectory } from "./load.ts";
import { ConfigProblems } from "./problems.ts";
import { secret } from "./secret.ts";

const resolved = (raw: unknown, environment: Record<string, string> = {}) =>
  resolveConfig(raw, { file: "/home/me/agent.config.ts", environment });

describe("resolveConfig", () => {
  test("an empty config has every default", () => {
    expect(resolved({ timezone: "Europe/Berlin" })).toMatchObject({
      file: "/home/me/agent.config.ts",
      baseDir: "/home/me",
      timezone: "Europe/Berlin",
      heartbeat: { everyMs: 300_000, slackMs: 60_000 },
      model: {
        chain: [{ model: "claude-sonnet-5-5" }, { model: "claude-haiku-5-5" }],
        budget: {
          perRunUsd: 0.5,
          dailyUsd: 5,
          monthlyUsd: 50,
          perRunTokens: 200_000,
          dailyTokens: 2_000_000,
        },
      },
      skills: new Map(),
      notify: { channels: { terminal: {} }, digestAt: ["08:30"], interruptionsPerDay: 8 },
      secrets: [],
    });
  });

  test("a ping that could not be called is refused, and a login in it is not quoted", () => {
    const ping = (deadMansPing: string) =>
      problemsOf(() => resolved({ notify: { deadMansPing } })).problems;
    expect(ping("ftp://hc.example.com/1")).toEqual([
      'notify.deadMansPing: "ftp://hc.example.com/1" is not an address such as "https://example.com/"',
    ]);
    expect(ping("https://me:Passw0rd@hc.example.com/1")).toEqual([
      "notify.deadMansPing: must not have a user or password before its host: it could not be called",
    ]);
  });

  test("the host's zone stands in when none is named", () => {
    expect(resolved({}).timezone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  test("the model's key and address come from the environment unless the entry names its own", () => {
    const raw = {
      model: {
        chain: [{ model: "a" }, { model: "b", baseUrl: "http://b.example", apiKey: "own" }],
      },
    };
    const environment = { ANTHROPIC_API_KEY: "shared", ANTHROPIC_BASE_URL: "http://a.example" };
    const { model, secrets } = resolved(raw, environment);
    expect(model.chain).toEqual([
      { model: "a", baseUrl: "http://a.example", apiKey: "shared" },
      { model: "b", baseUrl: "http://b.example", apiKey: "own" },
    ]);
    expect(secrets).toEqual(["shared", "own"]);
    expect(resolved({}, { ANTHROPIC_API_KEY: "" }).model.chain[0]?.apiKey).toBeUndefined();
  });

  test("a skill set to false is left out, the others keep their order", () => {
    const { skills } = resolved({ skills: { services: { a: 1 }, inbox: false, "./own": {} } });
    expect([...skills]).toEqual([
      ["services", { a: 1 }],
      ["./own", {}],
    ]);
  });

  test("what is resolved cannot be changed", () => {
    const config = resolved({ notify: { quietHours: "22:00-07:00" } });
    const parts = [
      config,
      config.heartbeat,
      config.heartbeat.activeHours,
      config.model.chain,
      config.model.budget,
      config.notify.channels,
    ];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
  });

  test("everything that is wrong is said at once, missing secrets too", () => {
    const raw = { heartbeat: { every: "soon" }, skills: { inbox: { password: secret("PW") } } };
    const error = problemsOf(() => resolved(raw));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.problems).toEqual([
      expect.stringContaining('heartbeat.every: "soon" is not a duration'),
      expect.stringContaining("skills.inbox.password: the secret PW is missing"),
    ]);
  });

  test("a missing secret alone has a code of its own", () => {
    const raw = { model: { chain: [{ model: "a", apiKey: secret("KEY") }] } };
    expect(problemsOf(() => resolved(raw)).code).toBe("SECRET_MISSING");
  });
});

describe("loadConfig", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "watchkeeper-load-"));
    writeFileSync(join(dir, "agent.config.mjs"), 'export default { skills: { "./own": {} } };');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test(".env beside the config counts, and the environment counts more", async () => {
    writeFileSync(
      join(dir, ".env"),
      "ANTHROPIC_API_KEY=from-file # a comment\nANTHROPIC_BASE_URL='http://a.example'\n",
    );
    const file = join(dir, "agent.config.mjs");
    const [fromFile] = (await loadConfig({ file, environment: {} })).model.chain;
    expect(fromFile).toMatchObject({ apiKey: "from-file", baseUrl: "http://a.example" });
    const [own] = (await loadConfig({ file, environment: { ANTHROPIC_API_KEY: "own" } })).model
      .chain;
    expect(own).toMatchObject({ apiKey: "own", baseUrl: "http://a.example" });
  });

  test("systemd's copy of .env counts in its place, which nobody need be allowed to read", async () => {
    // A folder cannot be read as a file, by root neither.
    mkdirSync(join(dir, ".env"));
    const credentials = join(dir, "credentials");
    mkdirSync(credentials);
    const file = join(dir, "agent.config.mjs");
    const environment = { CREDENTIALS_DIRECTORY: credentials };
    await expect(loadConfig({ file, environment })).rejects.toMatchObject({
      code: "DOTENV_UNREADABLE",
    });
    writeFileSync(join(credentials, ".env"), "ANTHROPIC_API_KEY=from-systemd\n");
    const [entry] = (await loadConfig({ file, environment })).model.chain;
    expect(entry).toMatchObject({ apiKey: "from-systemd" });
  });
});

describe("where things are", () => {
  test.each([
    [undefined, {}, "/here/agent.config.ts"],
    [undefined, { WATCHKEEPER_CONFIG: "/etc/w.ts" }, "/etc/w.ts"],
    ["mine.ts", { WATCHKEEPER_CONFIG: "/etc/w.ts" }, "/here/mine.ts"],
  ])("the config: option %s, environment %j", (option, environment, expected) => {
    expect(configFile(option, environment, "/here")).toBe(expected);
  });

  test.each([
    [undefined, {}, "/here/state"],
    [undefined, { STATE_DIRECTORY: "/var/lib/w:/var/lib/x" }, "/var/lib/w"],
    [undefined, { STATE_DIRECTORY: "/var/lib/w", WATCHKEEPER_STATE: "s" }, "/here/s"],
    ["/o", { WATCHKEEPER_STATE: "s" }, "/o"],
  ])("the state: option %s, environment %j", (option, environment, expected) => {
    expect(stateDirectory(option, environment, "/here")).toBe(expected);
  });
});

function problemsOf(act: () => unknown): ConfigProblems {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigProblems) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}
