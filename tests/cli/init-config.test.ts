import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calendarConfig } from "../../skills/calendar/config.ts";
import { inboxConfig } from "../../skills/inbox/config.ts";
import { servicesConfig } from "../../skills/services/config.ts";
import type {
  Answers,
  CalendarAnswer,
  ChannelAnswer,
  MailAnswer,
} from "../../src/cli/init/answers.ts";
import { configText } from "../../src/cli/init/config-text.ts";
import { dotEnvText, missingLines } from "../../src/cli/init/dotenv-text.ts";
import { readServiceAddress } from "../../src/cli/init/service-address.ts";
import { configTree, planSetup } from "../../src/cli/init/setup.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { secret, type Environment } from "../../src/config/secret.ts";
import { isWatchkeeperError } from "../../src/domain/errors.ts";

/** What `config check` asks of a configuration, without the loading. @throws when it is refused */
function check(tree: unknown, environment: Environment): void {
  const config = resolveConfig(tree, { file: "/nowhere/agent.config.ts", environment });
  const schemas = { services: servicesConfig, inbox: inboxConfig, calendar: calendarConfig };
  for (const [name, schema] of Object.entries(schemas)) {
    if (config.skills.has(name)) schema.parse(config.skills.get(name));
  }
}

/** Reads what was written as Node would. */
function evaluate(text: string): { skills: object; notify: { channels: object } } {
  const body = text
    .replace('import { defineConfig, secret } from "watchkeeper";', "")
    .replace("export default", "return");
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is a program
  const run = new Function("defineConfig", "secret", `"use strict";${body}`) as (
    define: (config: unknown) => unknown,
    of: typeof secret,
  ) => ReturnType<typeof evaluate>;
  return run((config) => config, secret);
}

const nothing = { dotEnv: {}, environment: {} };

/** Writes what these answers come to, reads it back and checks it. */
function writtenAndRead(answers: Answers): void {
  const setup = planSetup(answers, nothing);
  const config = evaluate(configText(setup));
  const environment = parseEnv(dotEnvText(missingLines(setup.secrets, nothing)));
  check(config, environment);
  const { skills, notify } = configTree(setup) as ReturnType<typeof evaluate>;
  expect(config.skills).toEqual(skills);
  expect(config.notify.channels).toEqual(notify.channels);
}

const mail: MailAnswer[] = [
  {
    address: "me@example.com",
    imap: {
      host: "imap.example.com",
      secure: true,
      user: "me",
      password: { value: 'it\'s # "one"' },
    },
  },
  { address: "me@example.com", maildir: "./mail" },
  { imap: { host: "::1", port: 1143, secure: false, user: "O'Neil", password: { value: "two" } } },
];
const calendars: CalendarAnswer[] = [
  { kind: "caldav", url: "https://dav.example.com/", user: "me", password: { value: "three" } },
  { kind: "ics", place: "./holidays.ics" },
  { kind: "ics", place: "https://example.com/ical/private-0123456789abcdef/basic.ics" },
  { kind: "google", clientId: "id", clientSecret: { value: "four" } },
];
const channels: ChannelAnswer[] = [
  { kind: "ntfy", server: "https://ntfy.sh", topic: "t", token: { value: "tk_five" } },
  {
    kind: "email",
    smtp: {
      host: "smtp.example.com",
      port: 587,
      secure: false,
      user: "me",
      password: { value: "six" },
    },
    from: "me@example.com",
    to: "you@example.com",
  },
  { kind: "slack", url: { value: "https://hooks.example.com/services/T0/B0/seven" } },
  { kind: "telegram", token: { value: "123:eight" }, chatId: "-100123" },
  {
    kind: "webhook",
    url: "https://example.com/hook",
    secret: { value: "nine nine nine nine nine!" },
  },
];
const services = ["https://example.com/health", "db.example.com:5432", "tls://example.com", "nas"];

const someOf = <Item>(items: readonly Item[]) => fc.subarray([...items]);

describe("what init writes is in order", () => {
  test("for every choice of one kind of thing or another", () => {
    const pick = <Item>(items: readonly Item[], bit: number, mask: number) =>
      mask & (1 << bit) ? [...items] : [];
    for (let mask = 0; mask < 32; mask += 1) {
      writtenAndRead({
        mail: pick(mail, 0, mask),
        calendars: pick(calendars, 1, mask),
        services: pick(services, 2, mask).map(readServiceAddress),
        channels: pick(channels, 3, mask),
        ...(mask & 16 && { apiKey: { value: "sk-ant-ten" } }),
      });
    }
  });

  test("for any mixture of them, the same twice too", () => {
    const answers = fc.record({
      mail: fc.array(fc.constantFrom(...mail), { maxLength: 4 }),
      calendars: fc.array(fc.constantFrom(...calendars), { maxLength: 4 }),
      services: fc
        .array(fc.constantFrom(...services), { maxLength: 5 })
        .map((texts) => texts.map(readServiceAddress)),
      channels: someOf(channels),
    });
    fc.assert(fc.property(answers, writtenAndRead), { numRuns: 200 });
  });

  test("when answers are hostile, or they are refused by name and nothing is written", () => {
    const text = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom("me@example.com", "https://example.com/", "example.com"),
      },
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.constantFrom(
        '"}); process.exit(); ({"',
        "\\",
        "${x}",
        "`",
        "\u202e",
        "*/",
        "__proto__",
        "",
      ),
    );
    const given = text.map((value) => ({ value }));
    const server = {
      host: text,
      port: fc.option(fc.integer(), { nil: undefined }),
      secure: fc.boolean(),
    };
    const answers: fc.Arbitrary<Answers> = fc.record({
      mail: fc.array(
        fc.record({
          address: fc.option(text, { nil: undefined }),
          maildir: fc.option(text, { nil: undefined }),
          imap: fc.option(fc.record({ ...server, user: text, password: given }), {
            nil: undefined,
          }),
        }),
        { maxLength: 2 },
      ),
      calendars: fc.array(
        fc.oneof(
          fc.record({ kind: fc.constant("ics" as const), place: text }),
          fc.record({
            kind: fc.constant("caldav" as const),
            url: text,
            user: text,
            password: given,
          }),
        ),
        { maxLength: 2 },
      ),
      services: fc.array(text.map(readServiceAddress), { maxLength: 2 }),
      channels: fc.subarray([{ kind: "ntfy", server: "https://ntfy.sh", topic: "t" } as const]),
      apiKey: fc.option(given, { nil: undefined }),
    });
    let written = 0;
    fc.assert(
      fc.property(answers, (one) => {
        const setup = planSetup(one, nothing);
        const values = Object.fromEntries(setup.secrets.map(({ name, value }) => [name, value]));
        try {
          check(configTree(setup), values);
          dotEnvText(missingLines(setup.secrets, nothing));
        } catch (error) {
          // The skills' own schemas speak as zod does.
          expect(isWatchkeeperError(error) || (error as Error).name === "ZodError").toBe(true);
          return;
        }
        written += 1;
        writtenAndRead(one);
      }),
      { numRuns: 300 },
    );
    expect(written).toBeGreaterThan(10);
  });
});

test("secrets of the same value share a name, others get one of their own beside what is there", () => {
  const known = { dotEnv: { IMAP_PASSWORD: "older" }, environment: { CALDAV_PASSWORD: "three" } };
  const account = (value: string): MailAnswer => ({
    imap: { host: "h", secure: true, user: "u", password: { value } },
  });
  const { secrets } = planSetup(
    { mail: [account("a"), account("b"), account("a")], calendars, services: [], channels: [] },
    known,
  );
  expect(secrets.map(({ name, value }) => `${name}=${value.slice(0, 5)}`)).toEqual([
    "IMAP_PASSWORD_2=a",
    "IMAP_PASSWORD_3=b",
    "CALDAV_PASSWORD=three",
    "CALENDAR_ADDRESS=https",
    "GOOGLE_CLIENT_SECRET=four",
  ]);
});
