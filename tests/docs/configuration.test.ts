import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { calendarConfig } from "../../skills/calendar/config.ts";
import { inboxConfig } from "../../skills/inbox/config.ts";
import { servicesConfig } from "../../skills/services/config.ts";
import { channelsSchema } from "../../src/config/channels.ts";
import { configSchema } from "../../src/config/schema.ts";
import { temporaryFolder } from "../daemon/harness.ts";
import { checkout } from "../ground/miniature.ts";
import { runCommand } from "./command.ts";
import { keysOf, valuesAt, withValue } from "./config-keys.ts";
import { quotedIn, readPage, type CodeBlock } from "./page.ts";

const page = await readPage("configuration.md");
const configs = page.blocks.filter(({ language }) => language === "ts");
const secrets = Object.fromEntries(
  configs
    .flatMap(({ code }) => [...code.matchAll(/secret\("(\w+)"\)/g)])
    .map(([, name = ""]): [string, string] => [name, "dummy"]),
);

interface ConfigReport {
  readonly ok: boolean;
  readonly warnings: readonly string[];
}

describe("the examples", () => {
  test.for(configs.map((block, index) => ({ ...block, number: index + 1 })))(
    "$number, under $heading, is in order as it stands",
    async (block) => {
      expect(await check(block)).toMatchObject({ ok: true });
    },
  );

  async function check({ code }: CodeBlock): Promise<ConfigReport> {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "agent.config.ts"), code);
    const outcome = await runCommand(["config", "check", "--json"], folder.path, secrets);
    expect(outcome.exitCode, outcome.stdout + outcome.stderr).toBe(0);
    return JSON.parse(outcome.stdout) as ConfigReport;
  }
});

/** Each table of keys, with its schema and configurations that use every part of it. */
const described: {
  heading: string;
  schema: z.ZodType;
  /** Keys under it are those of another table. */
  elsewhere?: string;
  samples: unknown[];
}[] = [
  {
    heading: "All keys",
    schema: configSchema,
    elsewhere: "notify.channels.",
    samples: [
      {
        model: { chain: [{ model: "a" }] },
        policy: { grants: [{ tool: "a", maxPerDay: 1 }] },
        demo: { dir: "a", port: 1 },
      },
      {},
    ],
  },
  {
    heading: "Channels",
    schema: channelsSchema,
    samples: [
      {
        terminal: {},
        email: { smtp: { host: "a" }, from: "a@a.example", to: "a@a.example" },
        ntfy: { server: "https://a.example", topic: "a" },
        slack: { url: "https://a.example" },
        telegram: { token: "1:a", chatId: 1 },
        webhook: { url: "https://a.example", secret: "a".repeat(24) },
        command: { run: ["a"] },
      },
    ],
  },
  {
    heading: "services",
    schema: servicesConfig,
    samples: [
      { targets: [{ name: "a", http: "http://a.example", restart: { command: ["a"] } }] },
      { targets: [{ name: "a", tls: "a.example:1" }] },
      {
        targets: [
          { name: "a", dns: { name: "a.example" }, maintenance: [{ at: "1:00", duration: "1h" }] },
        ],
      },
      {
        targets: [{ name: "a", disk: { path: "/" } }],
        maintenance: [{ at: "1:00", duration: "1h" }],
      },
      { targets: [{ name: "a", push: { every: "1d" } }] },
      { targets: [{ name: "a", command: ["a"] }] },
    ],
  },
  {
    heading: "inbox",
    schema: inboxConfig,
    samples: [
      {
        accounts: [
          {
            name: "a",
            address: "a@a.example",
            imap: { host: "a", user: "a", password: "a" },
            smtp: { host: "a" },
          },
        ],
        rules: [{ name: "a", match: { from: "a" }, ignore: true }],
      },
      { accounts: [{ name: "a", maildir: "a" }] },
      {
        accounts: [
          {
            name: "a",
            imap: {
              ...{ host: "a", user: "a" },
              oauth2: { tokenUrl: "https://a.example", clientId: "a", refreshToken: "a" },
            },
          },
          {
            name: "b",
            address: "b@b.example",
            maildir: "b",
            smtp: {
              ...{ host: "b", user: "b" },
              oauth2: { tokenUrl: "https://b.example", clientId: "b", refreshToken: "b" },
            },
          },
        ],
      },
    ],
  },
  {
    heading: "calendar",
    schema: calendarConfig,
    samples: [
      {
        sources: [
          { name: "a", ics: "a.ics" },
          { name: "b", caldav: { url: "https://a.example", user: "a", password: "a" } },
          { name: "c", google: {} },
        ],
      },
      { sources: [{ name: "a", caldav: { url: "https://a.example", user: "a", password: "a" } }] },
      { sources: [{ name: "a", google: {} }] },
    ],
  },
];

describe.for(described)("the keys of $heading", ({ heading, schema, elsewhere, samples }) => {
  test("are those of the schema, no more and no fewer", () => {
    expect(
      rows(heading)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(
      keysOf(schema)
        .filter((key) => elsewhere === undefined || !key.startsWith(elsewhere))
        .sort(),
    );
  });

  test("have the defaults that the page says: written out, they change nothing", () => {
    for (const { key, byDefault } of rows(heading)) {
      if (!byDefault.startsWith("`")) continue;
      const value: unknown = JSON.parse(byDefault.slice(1, -1));
      const compared = samples
        .filter((sample) => isAbsent(sample, key))
        .map((sample) =>
          [sample, withValue(sample, key, value)].map((each) => schema.safeParse(each)),
        )
        .filter((both) => both.every(({ success }) => success));
      expect(compared.length, `${key} can stand somewhere`).toBeGreaterThan(0);
      for (const [plain, written] of compared) expect(written?.data, key).toEqual(plain?.data);
    }
  });

  test("that are required cannot be left out", () => {
    for (const { key } of rows(heading).filter(({ type }) => type.endsWith("required"))) {
      const without = samples
        .filter((sample) => !isAbsent(sample, key))
        .map((sample) => withValue(sample, key, undefined));
      expect(
        without.some((sample) => !schema.safeParse(sample).success),
        key,
      ).toBe(true);
    }
  });

  test("are tried on configurations that are in order", () => {
    for (const sample of samples) expect(schema.safeParse(sample).error).toBeUndefined();
  });
});

test("every environment variable that is read is on the page, and no other", async () => {
  const read = new Set<string>();
  for (const file of await sourceFiles()) {
    const text = await readFile(file, "utf8");
    for (const [, name = ""] of text.matchAll(
      /(?:(?:process\.env|environment)\.|findSecret\(")([A-Z][A-Z_]+)/g,
    )) {
      read.add(name);
    }
  }
  const [table] = page.tables.filter((each) => each.heading === "Environment variables");
  const named = table?.rows.flatMap(([names = ""]) => quotedIn(names)) ?? [];
  expect(named.map((name) => name.replace(/=.*/, "")).sort()).toEqual([...read].sort());
});

function rows(heading: string) {
  const [table] = page.tables.filter(
    (each) => each.heading === heading && each.columns[0] === "key",
  );
  return (table?.rows ?? []).map(([key = "", type = "", byDefault = "", meaning = ""]) => ({
    key: key.replaceAll("`", ""),
    type,
    byDefault,
    meaning,
  }));
}

/** Whether a configuration says nothing at that place. */
const isAbsent = (config: unknown, key: string): boolean =>
  valuesAt(config, key).every((value) => value === undefined);

async function sourceFiles(): Promise<string[]> {
  const files = [join(checkout, "bin", "watchkeeper.js")];
  for (const entry of await readdir(join(checkout, "src"), { recursive: true })) {
    const isCode = entry.endsWith(".ts") && !entry.endsWith(".test.ts");
    if (isCode && !entry.startsWith("testing")) files.push(join(checkout, "src", entry));
  }
  return files;
}
