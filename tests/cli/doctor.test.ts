import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { text as readText } from "node:stream/consumers";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startScriptedModel, text } from "../../src/testing/index.ts";
import { dovecotAvailable, startDovecot } from "../servers/dovecot.ts";
import { freePort } from "../servers/free-port.ts";
import { startGoogle } from "../servers/google.ts";
import { jsonAnswer, startHttpReceiver, type Answer } from "../servers/http-receiver.ts";
import { startNtfyServer } from "../servers/ntfy.ts";
import { radicaleAvailable, startRadicale } from "../servers/radicale.ts";
import { hasOpenssl, startMailServer } from "../servers/smtp.ts";
import { startTelegramServer } from "../servers/telegram.ts";
import { furnish } from "./desk.ts";
import { createPlace, type Place } from "./place.ts";

interface Line {
  readonly name: string;
  readonly level: string;
  readonly message: string;
}

let place: Place;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  place = await createPlace();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await place[Symbol.asyncDispose]();
});

function kept<Server extends AsyncDisposable>(server: Server): Server {
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

async function doctor(...words: string[]) {
  const { exitCode, value } = await place.json("doctor", ...words);
  const lines = value as Line[];
  return {
    exitCode,
    lines,
    of: (name: string) => lines.filter((line) => line.name === name),
    not: (level: string) => lines.filter((line) => line.level !== level),
  };
}

const hasServers = dovecotAvailable() && radicaleAvailable() && hasOpenssl;

describe.skipIf(!hasServers)("with servers of every kind", () => {
  test("each is reached and logged in to, nothing is sent and nothing is left behind", async () => {
    const imap = await startDovecot({ tls: false });
    cleanups.push(() => imap.stop());
    const mail = await startMailServer({ tls: "start" });
    cleanups.push(() => mail.stop());
    const caldav = kept(await startRadicale());
    const ntfy = kept(await startNtfyServer({ authorization: "Bearer tk_of_the_owner" }));
    const telegram = kept(await startTelegramServer());
    const hooks = kept(await startHttpReceiver());
    const provider = kept(
      await startHttpReceiver(() => jsonAnswer(200, { id: "claude-sonnet-5-5" })),
    );
    Object.assign(place.environment, {
      ANTHROPIC_API_KEY: "sk-test-of-the-owner",
      ANTHROPIC_BASE_URL: provider.origin,
      IMAP_PASSWORD: imap.password,
      SMTP_PASSWORD: mail.password,
      CALDAV_PASSWORD: caldav.password,
      NTFY_TOKEN: "tk_of_the_owner",
      TELEGRAM_TOKEN: telegram.token,
      SLACK_URL: `${hooks.origin}/services/T000/B000/of-the-owner`,
      WEBHOOK_SECRET: "whsec_b2YtdGhlLW93bmVyLW9mLXRoZS1vd25lcg==",
    });
    await place.write("ca.pem", mail.ca);
    await place.config(`{
      timezone: "Europe/Berlin",
      model: { chain: [{ model: "claude-sonnet-5-5" }] },
      skills: {
        inbox: { accounts: [{ name: "work", imap: { host: "127.0.0.1", port: ${imap.port}, secure: false,
          user: "${imap.user}", password: secret("IMAP_PASSWORD") } }] },
        calendar: { sources: [{ name: "mine", caldav: { url: "${caldav.root}", user: "${caldav.user}",
          password: secret("CALDAV_PASSWORD") } }] },
      },
      notify: {
        deadMansPing: "${hooks.origin}/ping/of-the-owner",
        channels: {
          email: { from: "watch@example.com", to: "me@example.com", smtp: { host: "127.0.0.1", port: ${mail.port},
            user: "${mail.user}", password: secret("SMTP_PASSWORD"), tls: { ca: "./ca.pem", servername: "localhost" } } },
          ntfy: { server: "${ntfy.origin}", topic: "watch", token: secret("NTFY_TOKEN") },
          slack: { url: secret("SLACK_URL") },
          telegram: { token: secret("TELEGRAM_TOKEN"), chatId: 1, apiUrl: "${telegram.origin}" },
          webhook: { url: "${hooks.origin}/hook", secret: secret("WEBHOOK_SECRET") },
          command: { run: ["sh", "-c", "touch was-run"] },
        },
      },
    }`);
    const before = await readdir(place.dir);

    const { exitCode, not, of } = await doctor();
    expect(not("ok").map(({ name, level }) => `${level} ${name}`)).toEqual([
      // Nobody reads what is replied to that mail.
      "warn config",
      "warn daemon",
    ]);
    expect(exitCode).toBe(0);
    for (const [name, words] of [
      ["model", /^claude-sonnet-5-5 at http.*: there, and the key is taken$/],
      ["inbox/work", /^looked in/],
      ["calendar/mine", /^looked in/],
      ["channel email", /lets us in$/],
      ["channel ntfy", /lets us in$/],
      ["channel slack", /answers$/],
      ["channel telegram", /knows the bot$/],
      ["channel webhook", /answers$/],
      ["channel command", /\/sh is there$/],
      ["dead man's ping", /answers$/],
      ["secrets", /^all are there/],
      ["clock", /^\d\d:\d\d in Europe\/Berlin, as 127\.0\.0\.1 has it$/],
    ] as const) {
      expect(of(name), name).toEqual([
        { name, level: "ok", message: expect.stringMatching(words) as string },
      ]);
    }
    expect([mail.received, ntfy.shown, telegram.sent]).toEqual([[], [], []]);
    expect(hooks.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array.from({ length: 3 }, () => "HEAD /"),
    );
    // A calendar keeps a copy of what it has fetched, as after any look.
    expect(await readdir(place.dir)).toEqual([...before, "state"]);
    expect(await readdir(place.stateDir)).toEqual(["skills"]);
  });
});

test("what is wrong is said of each, with its mend and without a secret", async () => {
  const google = kept(await startGoogle());
  const ntfy = kept(await startHttpReceiver(() => jsonAnswer(401, { error: "unauthorized" })));
  const telegram = kept(await startTelegramServer());
  const mail = await startMailServer({ login: true });
  cleanups.push(() => mail.stop());
  const provider = kept(
    await startHttpReceiver(() =>
      jsonAnswer(401, { error: { type: "authentication_error", message: "invalid x-api-key" } }),
    ),
  );
  const gone = `http://127.0.0.1:${await freePort()}`;
  const secrets = {
    ANTHROPIC_API_KEY: "sk-test-not-the-right-one",
    SMTP_PASSWORD: "not-the-right-password",
    NTFY_TOKEN: "tk_not_the_right_one",
    TELEGRAM_TOKEN: "1234567:AAHk-not-the-right-token",
    SLACK_URL: `${gone}/services/not-the-right-hook`,
    CLIENT_SECRET: google.clientSecret,
  };
  Object.assign(place.environment, secrets, { ANTHROPIC_BASE_URL: provider.origin });
  await place.config(`{
    skills: { calendar: { sources: [{ name: "google", google: { calendarId: "primary", clientId: "${google.clientId}",
      clientSecret: secret("CLIENT_SECRET"), rootUrl: "${google.url}", authUrl: "${google.authUrl}", tokenUrl: "${google.tokenUrl}" } }] } },
    notify: {
      deadMansPing: "${gone}/ping/not-the-right-ping",
      channels: {
        email: { from: "watch@example.com", to: "me@example.com", smtp: { host: "127.0.0.1", port: ${mail.port}, secure: false,
          user: "${mail.user}", password: secret("SMTP_PASSWORD") } },
        ntfy: { server: "${ntfy.origin}", topic: "watch", token: secret("NTFY_TOKEN") },
        slack: { url: secret("SLACK_URL") },
        telegram: { token: secret("TELEGRAM_TOKEN"), chatId: 1, apiUrl: "${telegram.origin}" },
        command: { run: ["./no-such-program"] },
      },
    },
  }`);
  const { exitCode, lines, of } = await doctor();
  expect(exitCode).toBe(1);
  for (const [name, words] of [
    ["model", /^claude-sonnet-5-5 at .*401.*Check ANTHROPIC_API_KEY/],
    ["calendar/google", /watchkeeper auth google/],
    ["channel email", /refused the login.*smtp\.password/],
    ["channel ntfy", /401.*Check the login in notify\.channels\.ntfy/],
    ["channel slack", /^cannot reach .*nothing listens there.*notify\.channels\.slack/],
    ["channel telegram", /401.*notify\.channels\.telegram/],
    ["channel command", /"\.\/no-such-program".*notify\.channels\.command\.run/],
    ["dead man's ping", /^cannot reach .*Check notify\.deadMansPing$/],
  ] as const) {
    const [first] = of(name);
    expect(first, name).toEqual({
      name,
      level: "fail",
      message: expect.stringMatching(words) as string,
    });
  }
  const said = JSON.stringify(lines);
  for (const value of [...Object.values(secrets), "not-the-right-ping"])
    expect(said).not.toContain(value);
  expect([mail.received, telegram.sent]).toEqual([[], []]);
});

test("a config that cannot be used keeps nothing else from being looked at", async () => {
  await place.config(`{ heartbeat: { evry: "5m" }, timezone: "Mars" }`);
  const { exitCode, of, lines } = await doctor();
  expect(exitCode).toBe(1);
  expect(of("config").map(({ level }) => level)).toEqual(["fail", "fail"]);
  const names = lines.map(({ name }) => name);
  for (const name of ["version", "state", "database", "disk", "daemon", "clock"])
    expect(names).toContain(name);
});

describe("--model", () => {
  test("asks each model for one token, and says what that cost", async () => {
    const model = kept(
      await startScriptedModel(() => text("ok", { usage: { inputTokens: 9, outputTokens: 1 } })),
    );
    Object.assign(place.environment, { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: model.baseUrl });
    await place.config(
      `{ model: { chain: [{ model: "claude-sonnet-5-5" }, { model: "of-my-own" }], budget: { dailyUsd: 0.000001 } } }`,
    );
    const [known, unknown] = (await doctor("--model")).of("model");
    expect(model.requests.map(({ body }) => body.max_tokens)).toEqual([1, 1]);
    expect(known?.message).toMatch(
      /^claude-sonnet-5-5 at .*: answered in \S+, 9 tokens read and 1 written, for less than \$0\.0001$/,
    );
    expect(unknown?.message).toContain("at a price that is not known");
  });

  test("and without it none is asked anything that costs", async () => {
    const model = kept(await startScriptedModel([]));
    Object.assign(place.environment, { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: model.baseUrl });
    await place.config("{}");
    const { of } = await doctor();
    expect(of("model")).toHaveLength(2);
    expect(of("model")[0]).toMatchObject({
      level: "ok",
      message: expect.stringContaining("--model"),
    });
    expect(model.requests).toEqual([]);
  });
});

test("who else may read or write what is the owner's is said", async () => {
  await furnish(place);
  await place.config(
    `{ notify: { channels: { slack: { url: secret("SLACK") }, terminal: {} } }, skills: { "./skills/desk": {} } }`,
  );
  const url = `http://127.0.0.1:${await freePort()}/hook/from-a-file`;
  await place.write("slack-url", `${url}\n`, 0o640);
  await place.write(".env", "A_WORD=kept-by-the-owner\n", 0o644);
  await place.write("other-file", "no secret of ours\n", 0o644);
  place.environment.SLACK_FILE = place.path("slack-url");
  place.environment.OTHER_FILE = place.path("other-file");
  await place.run("beat", "--check", "desk/papers");
  await chmod(place.path("agent.config.ts"), 0o666);
  await chmod(place.path("state/watchkeeper.db"), 0o644);
  await chmod(place.stateDir, 0o755);

  const { of, lines } = await doctor();
  expect(of("secrets").map(({ level, message }) => `${level} ${message}`)).toEqual([
    expect.stringMatching(/^warn others may read \S+\.env \(mode 644\); chmod 600 it$/),
    expect.stringMatching(/^warn others may read \S+slack-url \(mode 640\); chmod 600 it$/),
  ]);
  expect(of("config")).toContainEqual(
    expect.objectContaining({
      level: "warn",
      message: expect.stringMatching(/others may write .*mode 666.*chmod go-w/) as string,
    }),
  );
  expect(of("state").map(({ message }) => message)).toEqual([
    expect.stringContaining("mode 755"),
    expect.stringContaining("others may read watchkeeper.db in"),
  ]);
  expect(JSON.stringify(lines)).not.toContain("other-file");
});

test.skipIf(process.getuid?.() !== 0)(
  "files that another user has left in the state directory are said: the daemon could not use them",
  async () => {
    await place.config("{}");
    await place.run("beat");
    await chown(place.path("state/watchkeeper.db"), 65_534, 65_534);
    expect((await doctor()).of("state")).toEqual([
      {
        name: "state",
        level: "warn",
        message: expect.stringMatching(
          /watchkeeper\.db in .* another user .* \(uid 0\); chown/,
        ) as string,
      },
    ]);
  },
);

test("a database of an older version is no failure: the next start upgrades it", async () => {
  await place.config("{}");
  await place.run("beat");
  const db = new Database(place.path("state/watchkeeper.db"));
  db.exec("update __drizzle_migrations set created_at = created_at - 86400000000");
  db.close();
  const { exitCode, of } = await doctor();
  expect(of("database")).toMatchObject([
    { level: "warn", message: expect.stringContaining("watchkeeper start") },
  ]);
  expect(of("daemon")).toMatchObject([{ level: "warn" }]);
  expect(exitCode).toBe(0);
});

test("a clock that differs from a server's is said", async () => {
  const wrong = (): Answer => ({
    status: 200,
    headers: { Date: new Date(Date.now() + 90 * 60_000).toUTCString() },
  });
  const hook = kept(await startHttpReceiver(wrong));
  await place.config(
    `{ notify: { channels: { slack: { url: "${hook.origin}/hook/of-the-owner" } } } }`,
  );
  const { of } = await doctor();
  expect(of("clock")).toMatchObject([
    { level: "warn", message: expect.stringMatching(/1h (29m|30m) behind 127\.0\.0\.1.*set-ntp/) },
  ]);
});

test("a service manager that knows the unit is heard, and only then", async () => {
  await place.config("{}");
  const answer = "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n";
  await place.write(
    "bin/systemctl",
    `#!/bin/sh\ncase "$*" in *--user*) echo "Failed to connect to bus" >&2; exit 1;; esac\nprintf '${answer.replaceAll("\n", "\\n")}'\n`,
    0o755,
  );
  const path = place.environment.PATH;
  place.environment.PATH = `${place.path("bin")}:${path}`;
  const failed = await doctor();
  expect(failed.exitCode).toBe(1);
  expect(failed.of("service")).toEqual([
    {
      name: "service",
      level: "fail",
      message: "the unit has failed (exit-code); journalctl --unit watchkeeper says why",
    },
  ]);
  await place.write("bin/systemctl", "#!/bin/sh\nprintf 'LoadState=not-found\\n'\n", 0o755);
  expect((await doctor()).of("service")).toEqual([]);
});

test("a person at a terminal sees what is waited for, and in the end only the lines", async () => {
  await furnish(place);
  const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));
  const child = spawn("script", ["-qec", `"${process.execPath}" "${bin}" doctor`, "/dev/null"], {
    cwd: place.dir,
    env: { ...place.environment, TERM: "xterm" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [screen] = await Promise.all([readText(child.stdout), once(child, "close")]);
  expect(screen).toMatch(/\d of \d+, looking at .*desk\/papers/);
  const end = screen.slice(screen.lastIndexOf("\r\u001b[K"));
  expect(end).not.toContain("looking at");
  expect(end).toMatch(/ok.*version: watchkeeper/);
});
