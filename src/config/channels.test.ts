import { describe, expect, test } from "vitest";
import { channelWarnings, signingKey } from "./channels.ts";
import { resolveConfig } from "./load.ts";
import { ConfigProblems } from "./problems.ts";
import { secret } from "./secret.ts";

const resolved = (channels: unknown, environment: Record<string, string> = {}) =>
  resolveConfig({ notify: { channels } }, { file: "/home/me/agent.config.ts", environment });

function problemsOf(channels: unknown): ConfigProblems {
  try {
    resolved(channels);
  } catch (error) {
    if (error instanceof ConfigProblems) return error;
    throw error;
  }
  throw new Error("the configuration is in order");
}

const smtp = { host: "smtp.example.com" };
const email = { smtp, from: "watch@example.com", to: "me@example.com" };
const ntfy = { server: "https://ntfy.example.com", topic: "watch" };
const webhook = { url: "https://a.example/hook", secret: "a sentence that is long enough" };

test("an address may be within a network whose hosts have no dot", () => {
  const { channels } = resolved({
    email: { smtp, from: "watch@nas", to: "root@localhost" },
  }).notify;
  expect(channels.email).toMatchObject({ from: "watch@nas", to: ["root@localhost"] });
});

test("each has its defaults", () => {
  const { channels } = resolved({
    ...{ email, ntfy, webhook, terminal: {}, command: { run: ["tell"] } },
    telegram: { token: "1:abc", chatId: -5 },
  }).notify;
  const common = { use: "always", severity: "info" };
  expect(channels).toEqual({
    email: { ...email, ...common, smtp: { ...smtp, secure: true }, to: ["me@example.com"] },
    ntfy: { ...ntfy, ...common },
    webhook: { ...webhook, ...common },
    terminal: common,
    command: { run: ["tell"], env: {}, timeout: 20_000, ...common },
    telegram: { token: "1:abc", chatId: -5, apiUrl: "https://api.telegram.org", ...common },
  });
});

test("they stay in the order in which they were written", () => {
  for (const names of [
    ["webhook", "terminal", "ntfy", "email"],
    ["email", "ntfy", "terminal", "webhook"],
  ]) {
    const all: Record<string, unknown> = { email, ntfy, webhook, terminal: {} };
    const written = Object.fromEntries(names.map((name) => [name, all[name]]));
    expect(Object.keys(resolved(written).notify.channels)).toEqual(names);
  }
});

test.each<[string, unknown, string]>([
  ["a channel that is none", { slak: {} }, 'slak: unknown key; did you mean "slack"?'],
  [
    "a key that is none",
    { ntfy: { ...ntfy, tpic: "a" } },
    'ntfy.tpic: unknown key; did you mean "topic"?',
  ],
  [
    "a topic in the address",
    { ntfy: { ...ntfy, server: "https://ntfy.example.com/watch" } },
    'ntfy.server: "https://ntfy.example.com/watch" must be scheme and host alone, such as "https://ntfy.example.com"',
  ],
  [
    "no address",
    { slack: { url: "hooks.example" } },
    'slack.url: "hooks.example" is not an address such as "https://example.com/"',
  ],
  [
    "a login in an address, which is not quoted",
    { webhook: { ...webhook, url: "https://me:Passw0rd@hooks.example.com/" } },
    "webhook.url: must not have a user or password before its host: it could not be called",
  ],
  [
    "half a login",
    { ntfy: { ...ntfy, user: "me" } },
    "ntfy: has only one of user and password; write both, or neither",
  ],
  [
    "two logins",
    { ntfy: { ...ntfy, token: "a", user: "me", password: "b" } },
    "ntfy: takes either a token, or user and password, not both",
  ],
  [
    "half a login of SMTP",
    { email: { ...email, smtp: { ...smtp, user: "me" } } },
    "email.smtp: has only one of user and password; write both, or neither",
  ],
  [
    "a name as sender",
    { email: { ...email, from: "me" } },
    'email.from: "me" is not an address such as "me@example.com"',
  ],
  [
    "nobody to write to",
    { email: { ...email, to: [] } },
    "email.to: must have a length of at least 1",
  ],
  [
    "a key that can be guessed",
    { webhook: { ...webhook, secret: "short" } },
    "webhook.secret: must be at least 24 bytes, as text or in base64 behind whsec_; openssl rand -base64 32 makes one",
  ],
  ["nothing to run", { command: { run: [] } }, "command.run: must have a length of at least 1"],
  [
    "a use that is none",
    { terminal: { use: "never" } },
    'terminal.use: must be one of "always", "fallback"',
  ],
  [
    "a severity that is none",
    { terminal: { severity: "loud" } },
    'terminal.severity: must be one of "info", "notice", "warning", "critical"',
  ],
])("says what is wrong with %s", (_what, channels, problem) => {
  expect(problemsOf(channels).problems).toEqual([`notify.channels.${problem}`]);
});

describe("secrets", () => {
  test("one that is missing is missing, and nothing else is wrong with it", () => {
    const { code, problems } = problemsOf({
      slack: { url: secret("SLACK_URL") },
      telegram: { token: secret("BOT_TOKEN"), chatId: 1 },
      webhook: { ...webhook, secret: secret("HOOK_KEY") },
    });
    expect(code).toBe("SECRET_MISSING");
    expect(problems.map((line) => line.slice(0, line.indexOf(" is missing")))).toEqual([
      "notify.channels.slack.url: the secret SLACK_URL",
      "notify.channels.telegram.token: the secret BOT_TOKEN",
      "notify.channels.webhook.secret: the secret HOOK_KEY",
    ]);
  });

  test("those in clear text are guarded all the same, and said", () => {
    const { secrets, secretWarnings } = resolved({
      slack: { url: "https://hooks.example/services/T0AB12CD3/kLmNoPqRsTuVwXyZ0123" },
      ntfy: { ...ntfy, token: "tk_AgQdq7mVBoFD37zQVN29" },
    });
    expect(secrets).toEqual(
      expect.arrayContaining(["tk_AgQdq7mVBoFD37zQVN29", "kLmNoPqRsTuVwXyZ0123"]),
    );
    const advice = 'stands in the configuration itself; put it into .env and write secret("NAME")';
    expect(secretWarnings).toEqual([
      `notify.channels.ntfy.token ${advice}`,
      `notify.channels.slack.url ${advice}`,
    ]);
  });

  test("those that are given by name are not said", () => {
    const environment = { NTFY_TOKEN: "tk_AgQdq7mVBoFD37zQVN29" };
    const { secrets, secretWarnings } = resolved(
      { ntfy: { ...ntfy, token: secret("NTFY_TOKEN") } },
      environment,
    );
    expect([secrets, secretWarnings]).toEqual([["tk_AgQdq7mVBoFD37zQVN29"], []]);
  });
});

test("the key of a webhook is text, or base64 behind whsec_", () => {
  expect(signingKey("whsec_Z3LDvMOfZQ==").toString("utf8")).toBe("grüße");
  expect(signingKey("grüße").toString("utf8")).toBe("grüße");
});

test.each<[string, unknown, string[]]>([
  ["one is given all", { terminal: {}, ntfy: { ...ntfy, severity: "critical" } }, []],
  ["information alone is left out", { terminal: { severity: "notice" } }, []],
  [
    "none is given a notice",
    {
      ntfy: { ...ntfy, severity: "critical" },
      terminal: { severity: "warning" },
      email: { ...email, severity: "critical", use: "fallback" },
    },
    ["every channel of notify.channels begins at warning: what is below goes to none of them"],
  ],
  [
    "a fallback takes it",
    { ntfy: { ...ntfy, severity: "critical" }, email: { ...email, use: "fallback" } },
    [],
  ],
  ["there is none", {}, []],
])("what no channel is given is said: %s", (_what, channels, warnings) => {
  expect(channelWarnings(resolved(channels).notify.channels)).toEqual(warnings);
});
