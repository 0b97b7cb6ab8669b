import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPlace, oneLine, watching, type Place } from "./place.ts";

let place: Place;
beforeEach(async () => {
  place = await createPlace();
});
afterEach(async () => place[Symbol.asyncDispose]());

/** `config check` refuses with these words and exit 2, and `start` stops with the same. */
async function expectRefusal(...words: string[]): Promise<void> {
  const [checked, started] = await Promise.all([place.run("config", "check"), place.run("start")]);
  expect(checked).toMatchObject({ exitCode: 2, stdout: "" });
  expect(started).toMatchObject({ exitCode: 2, stdout: "" });
  for (const { stderr } of [checked, started]) {
    expect(stderr).toMatch(oneLine);
    for (const word of words) expect(stderr).toContain(word);
  }
}

describe("the config file", () => {
  test("when there is none, every command that needs it says how to make one", async () => {
    for (const command of [
      ["start"],
      ["beat"],
      ["beat", "--dry-run"],
      ["skills"],
      ["config", "check"],
    ]) {
      const outcome = await place.run(...command);
      expect(outcome, command.join(" ")).toMatchObject({ exitCode: 2, stdout: "" });
      expect(outcome.stderr).toMatch(oneLine);
      expect(outcome.stderr).toContain(`${place.path("agent.config.ts")} is not there`);
      expect(outcome.stderr).toContain("watchkeeper init");
    }
  });

  test.each([
    ["an enum", "enum Level { Low }\nexport default { Level };", "line 1", "plain object"],
    ["a syntax error", "const a = 1;\nexport default { a: ;", "line 2", "not valid TypeScript"],
    [
      "a missing file",
      'import { a } from "./targets.ts";\nexport default { a };',
      "targets.ts, which is not there",
      "Correct the path",
    ],
    [
      "a missing package",
      'import a from "left-pad";\nexport default { a };',
      '"left-pad", which is not installed',
      "Install it",
    ],
    [
      "an export that is not there",
      'import { a } from "watchkeeper";\nexport default { a };',
      'imports a from "watchkeeper"',
      "Correct the name",
    ],
    ["no default export", "export const config = {};", "has no default export", "export default"],
    ["lost what it held", "", "has no default export", "export default"],
    ["only comments", "// export default {};", "has no default export", "export default"],
    [
      "an error of its own",
      '\n\nthrow new Error("kaputt");\nexport default {};',
      "line 3",
      "kaputt",
    ],
    [
      "an await that never ends",
      "export default await new Promise(() => {});",
      "awaits something that never comes",
      "await",
    ],
    ["no object", "export default 42;", "must be an object", "is 42"],
  ])("with %s is refused in plain words", async (_, code, ...words) => {
    await place.write("agent.config.ts", code);
    await expectRefusal("agent.config.ts", ...words);
  });

  test("names the imported file when the mistake is in that one", async () => {
    await place.write("targets.ts", "\nexport enum Kind { Web }\n");
    await place.write(
      "agent.config.ts",
      'import { Kind } from "./targets.ts";\nexport default { Kind };',
    );
    await expectRefusal(`${place.path("targets.ts")}, line 2`);
  });

  test("that is a folder, or JSON, says what it should be", async () => {
    await place.write("folder.ts/x", "");
    await place.write("config.json", "{}");
    const folder = await place.run("config", "check", "--config", "folder.ts");
    expect(folder).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("is not a file") });
    const json = await place.run("config", "check", "--config", "config.json");
    expect(json).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(".ts, .mts") });
  });
});

describe("a key or value", () => {
  test.each([
    ["at the top", `{ haertbeat: {} }`, 'haertbeat: unknown key; did you mean "heartbeat"?'],
    [
      "nested",
      `{ heartbeat: { evry: "5m" } }`,
      'heartbeat.evry: unknown key; did you mean "every"?',
    ],
    [
      "in a skill",
      `{ skills: { calendar: { remindBefor: "5m", sources: [] } } }`,
      'skills.calendar.remindBefor: unknown key; did you mean "remindBefore"?',
    ],
    [
      "in a list",
      `{ skills: { services: { targets: [{ name: "a", http: "https://a.example", expct: {} }] } } }`,
      'skills.services.targets[0].expct: unknown key; did you mean "expect"?',
    ],
    [
      "in a union",
      `{ skills: { inbox: { accounts: [{ name: "w", imap: { host: "h", user: "u", pasword: "p" } }] } } }`,
      'imap.pasword: unknown key; did you mean "password"?',
    ],
    [
      "where a needed one is meant",
      `{ skills: { inbox: { acounts: [] } } }`,
      'skills.inbox.acounts: unknown key; did you mean "accounts"?',
    ],
  ])("misspelt %s is one line that names the nearest known key", async (_, config, message) => {
    await place.config(config.replace(/^/, "// @ts-nocheck\n"));
    await expectRefusal(message);
  });

  test.each([
    [
      `{ heartbeat: { every: "5 minutes" } }`,
      'heartbeat.every: "5 minutes" is not a duration',
      '"5m"',
    ],
    [
      `{ skills: { services: { every: "often", targets: [] } } }`,
      'skills.services.every: "often" is not a duration',
      '"5m"',
    ],
    [`{ timezone: "Berlin" }`, 'timezone: "Berlin" is not an IANA time zone', "Europe/Berlin"],
    [`{ notify: { quietHours: "22-7" } }`, "notify.quietHours", "22:00-07:00"],
    [`{ notify: { digestAt: "25:00" } }`, 'notify.digestAt: "25:00" is not a time of day', "08:30"],
    [`{ web: { port: 99999 } }`, "web.port: must be at most 65535", "65535"],
    [
      `{ web: { publicUrl: "https://a.example/watch" } }`,
      'web.publicUrl: "https://a.example/watch" must be scheme and host alone',
      "https://watch.example.com",
    ],
    [`{ web: { publicUrl: "ftp://a.example" } }`, "web.publicUrl:", "https://"],
    [`{ model: { budget: { dailyUsd: 0 } } }`, "model.budget.dailyUsd: must be more than 0", "0"],
    [`{ skills: [] }`, "skills: must be an object in { }, and is a list", "{ }"],
  ])("%s is refused with what it should be", async (config, message, mend) => {
    await place.config(config);
    await expectRefusal(message, mend);
  });

  test("several mistakes are each a line, those of all skills at once", async () => {
    await place.config(
      `{ skills: { inbx: {}, services: { targets: 3 }, inbox: { acounts: [] } } }`,
    );
    const { exitCode, stderr } = await place.run("config", "check");
    expect(exitCode).toBe(2);
    expect(stderr.trimEnd().split("\n")).toEqual([
      `watchkeeper: ${place.path("agent.config.ts")}: 3 problems`,
      '  skills: there is no skill "inbx". Did you mean "inbox"?',
      "  skills.services.targets: must be a list in [ ], and is 3",
      '  skills.inbox.acounts: unknown key; did you mean "accounts"?',
    ]);
  });
});

describe("secrets", () => {
  const account = (name: string, key: string) =>
    `{ name: "${name}", imap: { host: "mail.example", user: "u", password: secret("${key}") } }`;
  const inbox = (...accounts: string[]) =>
    `{ skills: { inbox: { accounts: [${accounts.join(", ")}] } } }`;

  test("one that is missing stops the start and says where it may stand", async () => {
    await place.config(inbox(account("work", "WORK_PASSWORD")));
    await expectRefusal(
      "skills.inbox.accounts[0].imap.password: the secret WORK_PASSWORD is missing",
      ".env",
      "WORK_PASSWORD_FILE",
    );
  });

  test("several that are missing are all named, together with other mistakes", async () => {
    await place.config(
      inbox(account("a", "A_PASSWORD"), account("b", "B_PASSWORD")).replace(
        "{ skills",
        '{ timezone: "Mars", skills',
      ),
    );
    const { exitCode, stderr } = await place.run("start");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("3 problems");
    for (const word of ["A_PASSWORD", "B_PASSWORD", '"Mars"']) expect(stderr).toContain(word);
  });

  test("come from the environment, .env, a named file or systemd's credentials", async () => {
    await place.config(
      inbox(...["E", "D", "F", "C"].map((letter) => account(letter.toLowerCase(), `${letter}_PW`))),
    );
    await place.write(".env", "D_PW=from-dotenv\n", 0o600);
    await place.write("f-password", "from-file\n");
    await place.write("credentials/C_PW", "from-systemd");
    Object.assign(place.environment, {
      E_PW: "from-environment",
      F_PW_FILE: place.path("f-password"),
      CREDENTIALS_DIRECTORY: place.path("credentials"),
    });
    const { exitCode, stdout } = await place.run("config", "check");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1 skill, 8 checks");
    expect(stdout).not.toContain("from-");
  });

  test.each([
    ["that is not there", "nowhere", "there is no such file"],
    ["that is a folder", ".", "that is a folder"],
    ["that is empty", "empty", "is empty"],
  ])("a file %s is named with the mend", async (_, file, words) => {
    await place.write("empty", "");
    await place.config(inbox(account("work", "PW")));
    place.environment.PW_FILE = place.path(file);
    await expectRefusal(place.path(file), words, "skills.inbox.accounts[0].imap.password");
  });
});

describe("a skill", () => {
  const good = `
    import { defineSkill, z } from "watchkeeper";
    export default defineSkill({
      config: z.object({ folder: z.string() }),
      checks: () => ({ queue: { async observe() { return { observations: [], complete: true }; } } }),
    });`;

  test("that is missing fails config check and start, with the nearest name", async () => {
    await place.config(`{ skills: { inbx: {} } }`);
    await expectRefusal('there is no skill "inbx"', 'Did you mean "inbox"?');
    await place.config(`{ skills: { "./skills/backups": {} } }`);
    await expectRefusal('there is no skill "./skills/backups"', place.path("skills/backups"));
  });

  test("in the user's own folder imports watchkeeper and has its config checked", async () => {
    await place.skill("backups", good);
    await place.config(`{ skills: { "./skills/backups": { folder: "/srv" } } }`);
    expect(await place.run("config", "check")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("1 skill, 1 check"),
    });
    await place.config(`{ skills: { "./skills/backups": { foldr: "/srv" } } }`);
    await expectRefusal('foldr: unknown key; did you mean "folder"?');
  });

  test.each([
    ["throws", 'throw new Error("kaputt");\nexport default {};', "kaputt"],
    ["has no default export", "export const a = 1;", "no default export"],
    ["exports something else", "export default { checks: 3 };", "does not export a skill"],
    ["never finishes loading", "export default await new Promise(() => {});", "never comes"],
  ])(
    "that %s fails config check, is switched off by start, and the others go on",
    async (_, code, words) => {
      await place.skill("broken", code);
      await place.skill("backups", good);
      await place.config(
        `{ skills: { "./skills/broken": {}, "./skills/backups": { folder: "/srv" } } }`,
      );

      const checked = await place.run("config", "check");
      expect(checked).toMatchObject({ exitCode: 2, stdout: "" });
      expect(checked.stderr).toMatch(oneLine);
      expect(checked.stderr).toContain("the skill broken cannot be used");
      expect(checked.stderr).toContain(words);

      const daemon = place.start("start");
      await daemon.seen(watching);
      await daemon.seen(/"skill":"broken".*switched off/);
      const status = await place.run("status");
      expect(status.exitCode).toBe(4);
      expect(status.stdout).toContain("! the skill broken is switched off");
      expect(status.stdout.replace(/\s+/g, " ")).toContain(words);
      expect(status.stdout).toContain("backups/queue");
      const stopped = await daemon.stop();
      expect(stopped.exitCode).toBe(0);
      expect(stopped.stderr).not.toContain("    at ");
    },
  );
});

test("a grant for a tool that is not there is a warning", async () => {
  const grant = (tool: string) => `{ tool: "${tool}", maxPerDay: 5 }`;
  await place.config(`{ policy: { grants: [${grant("memory_note")}, ${grant("memory_notes")}] } }`);
  const { value } = await place.json("config", "check");
  expect(value).toMatchObject({ ok: true });
  const { warnings } = value as { warnings: string[] };
  expect(warnings.filter((line) => line.startsWith("policy"))).toEqual([
    'policy.grants[1].tool: there is no tool "memory_notes", so this grant allows nothing; did you mean "memory_note"?',
  ]);
});
