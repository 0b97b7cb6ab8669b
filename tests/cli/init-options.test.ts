import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMailServer } from "../servers/smtp.ts";
import { dovecotAvailable, startDovecot, type DovecotServer } from "../servers/dovecot.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { startNtfyServer } from "../servers/ntfy.ts";
import { startSlackServer } from "../servers/slack.ts";
import { radicaleAvailable, startRadicale } from "../servers/radicale.ts";
import { createPlace, oneLine, type Place } from "./place.ts";

const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));

/** As `place.run`, with text on standard input. */
async function runWithInput(place: Place, input: string, ...args: string[]) {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: place.dir,
    env: place.environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  child.stdin.on("error", () => undefined).end(input);
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, output };
}

const filesIn = async (place: Place): Promise<string[]> =>
  (await readdir(place.dir)).filter((name) => !name.startsWith(".cache")).sort();

describe.skipIf(!dovecotAvailable() || !radicaleAvailable())("with real servers", () => {
  let dovecot: DovecotServer;
  beforeAll(async () => {
    dovecot = await startDovecot({ tls: false });
  });
  afterAll(async () => dovecot.stop());

  test("everything at once: each server is asked, and what is written is in order and works", async () => {
    await using radicale = await startRadicale();
    await using shop = await startHttpReceiver();
    await using ntfy = await startNtfyServer({ authorization: "Bearer tk_0123456789" });
    await using slack = await startSlackServer();
    const smtp = await startMailServer({ login: false });
    await using place = await createPlace({ CALDAV_PASSWORD: radicale.password });
    try {
      await place.write("secrets/imap", `${dovecot.password}\n`);
      await place.write("secrets/slack", slack.url);
      await place.write("secrets/ntfy", "tk_0123456789\n");
      await place.write(
        "holidays.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nEND:VCALENDAR\r\n",
      );
      const { exitCode, stdout, stderr } = await place.run(
        "init",
        ...["--mail-address", "watch@example.invalid", "--imap-starttls"],
        ...["--imap-host", `127.0.0.1:${dovecot.port}`, "--imap-user", dovecot.user],
        ...["--imap-password-file", "secrets/imap"],
        ...["--caldav-url", radicale.root, "--caldav-user", radicale.user],
        ...["--ics", "./holidays.ics", radicale.url],
        ...["--service", `${shop.origin}/health`, `127.0.0.1:${dovecot.port}`],
        ...["--ntfy", `${ntfy.origin}/mine`, "--ntfy-token-file", "secrets/ntfy"],
        ...["--email-to", "me@example.invalid", "--smtp-starttls"],
        ...["--smtp-host", `127.0.0.1:${smtp.port}`],
        ...["--slack-url-file", "secrets/slack"],
        ...["--webhook-url", `${shop.origin}/hook`],
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).not.toContain("fail");
      expect(stdout.match(/^ok {4}/gm)).toHaveLength(10);
      expect(smtp.received).toHaveLength(1);
      expect(ntfy.shown).toHaveLength(1);
      expect(slack.posts).toHaveLength(1);
      expect(shop.requests.map(({ path }) => path).sort()).toEqual(["/health", "/hook"]);

      const written = await place.read("agent.config.ts");
      const dotEnv = await place.read(".env");
      for (const secret of [dovecot.password, radicale.password, "tk_0123456789", "whsec_"]) {
        expect(written).not.toContain(secret);
      }
      // What lies in a file stays there; what came from the environment is written.
      expect(dotEnv).toContain(`IMAP_PASSWORD_FILE=${place.path("secrets/imap")}\n`);
      expect(dotEnv).toContain(`CALDAV_PASSWORD=${radicale.password}\n`);
      expect((await stat(place.path(".env"))).mode & 0o777).toBe(0o600);
    } finally {
      await smtp.stop();
    }
    delete place.environment["CALDAV_PASSWORD"];
    expect(await place.run("config", "check")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("3 skills, 7 checks") as string,
      stderr: "",
    });
    const { value } = await place.json("beat");
    const { checks } = value as { checks: { outcome: string }[] };
    expect(checks.map(({ outcome }) => outcome)).toEqual(Array(7).fill("ok"));
  });

  test("a refused login is said, and nothing is written; --no-check writes all the same", async () => {
    await using place = await createPlace({ IMAP_PASSWORD: "wr0ng-Passw0rd" });
    const words = [
      ...["init", "--imap-host", `127.0.0.1:${dovecot.port}`, "--imap-starttls"],
      ...["--imap-user", dovecot.user],
    ];
    const refused = await place.run(...words);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(/^fail {2}inbox\/127-0-0-1: .*refused the login/);
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toContain("--no-check");
    expect(refused.stdout + refused.stderr).not.toContain("wr0ng-Passw0rd");
    expect(await filesIn(place)).toEqual([]);
    expect((await place.run(...words, "--no-check")).exitCode).toBe(0);
    expect((await place.run("config", "check")).exitCode).toBe(0);
  });
});

test("in a folder whose files are no modules it is said how they become some", async () => {
  await using place = await createPlace();
  await place.write("package.json", '{ "type": "commonjs" }');
  const words = ["init", "--no-check", "--service", "example.com"];
  const { exitCode, stderr } = await place.run(...words);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(oneLine);
  const named = ["--config", "agent.config.mts"];
  expect(stderr).toContain(named.join(" "));
  expect((await place.run(...words, ...named)).exitCode).toBe(0);
  expect(await place.run("config", "check", ...named)).toMatchObject({ exitCode: 0, stderr: "" });
});

test("a secret on standard input goes into .env, whatever quotes are in it", async () => {
  await using place = await createPlace();
  const words = ["init", "--no-check", "--imap-host", "h.invalid", "--imap-user", `o'"\\neil`];
  const value = `it's #1 "of" two \\n`;
  const { exitCode } = await runWithInput(
    place,
    `${value}\n`,
    ...words,
    "--imap-password-file",
    "-",
  );
  expect(exitCode).toBe(0);
  expect(await place.read(".env")).toContain(`IMAP_PASSWORD=\`${value}\`\n`);
  expect((await place.run("config", "check")).exitCode).toBe(0);
});

test("a key that another would stand before is refused, wherever that is", async () => {
  await using place = await createPlace({ ANTHROPIC_API_KEY: "sk-ant-one" });
  await place.write("key", "sk-ant-two\n");
  const words = ["init", "--no-check", "--service", "example.com", "--api-key-file", "key"];
  const { exitCode, stderr } = await place.run(...words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("ANTHROPIC_API_KEY is in the environment or in .env");
  expect(stderr).not.toContain("sk-ant");
  await place.write("key", "sk-ant-one");
  expect((await place.run(...words)).exitCode).toBe(0);
  expect(await place.read(".env")).toContain(`ANTHROPIC_API_KEY_FILE=${place.path("key")}\n`);
});

test.each([
  [["--config", "."], "is a folder. Name the file itself: "],
  [["--config", "watch.conf"], "would not be read. Its name must end in .ts, .mts, .js, .mjs"],
  [["--config", "x.ts", "--state", "x.ts"], "cannot be state directory too"],
  [["--config", ""], "--config is given, but empty"],
  [["--state", ""], "--state is given, but empty"],
])("a place that would not do is refused before anything is written: %j", async (args, what) => {
  await using place = await createPlace();
  const before = await filesIn(place);
  for (const more of [["--template"], ["--service", "127.0.0.1:1", "--no-check"]]) {
    const refused = await place.run("init", ...args, ...more);
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toContain(what);
  }
  expect(await filesIn(place)).toEqual(before);
});

test("the template is not wanted together with answers", async () => {
  await using place = await createPlace();
  const { exitCode, stderr } = await place.run("init", "--template", "--service", "example.com");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("cannot be used with option");
});

test("a calendar at Google is written with its client, and the login is the next step", async () => {
  await using place = await createPlace({ GOOGLE_CLIENT_SECRET: "GOCSPX-0123456789" });
  const { exitCode, stdout } = await place.run("init", "--google-client-id", "id.example");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("1. npx watchkeeper auth google\n");
  expect((await place.run("config", "check")).stdout).toContain("1 skill, 1 check");
});

describe("what is there", () => {
  test("a configuration stays as it is, and is said to stand in the way", async () => {
    await using place = await createPlace();
    await place.config("{}");
    const { exitCode, stderr } = await place.run("init", "--service", "example.com");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/is there already, and stays as it is\. Change it yourself/);
    expect(await filesIn(place)).toEqual(["agent.config.ts"]);
  });

  test("a .env keeps its lines, and gets those that are missing behind them", async () => {
    await using place = await createPlace({ IMAP_PASSWORD: "new one", CALDAV_PASSWORD: "same" });
    await place.write(".env", "# mine\nIMAP_PASSWORD=older\nCALDAV_PASSWORD=same", 0o600);
    // With the name that is there it would depend on the environment which of the two is used.
    const { value } = await place.json(
      "init",
      ...["--no-check", "--imap-host", "h.invalid", "--imap-user", "me"],
      ...["--caldav-url", "https://h.invalid/", "--caldav-user", "me"],
      ...["--webhook-url", "https://h.invalid/"],
    );
    expect(value).toMatchObject([
      { written: true },
      { written: false, added: ["IMAP_PASSWORD_2", "WEBHOOK_SECRET"] },
      { written: true },
    ]);
    expect(await place.read(".env")).toMatch(
      /^# mine\nIMAP_PASSWORD=older\nCALDAV_PASSWORD=same\n\n# Added by `watchkeeper init`.\nIMAP_PASSWORD_2='new one'\nWEBHOOK_SECRET=whsec_.*\n$/,
    );
    expect((await place.run("config", "check")).exitCode).toBe(0);
  });

  test("a .env that others can read gets no secrets", async () => {
    await using place = await createPlace({ IMAP_PASSWORD: "p" });
    await place.write(".env", "A=1\n", 0o644);
    const { exitCode, stderr } = await place.run("init", "--imap-host", "h", "--imap-user", "me");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain("chmod 600");
    expect(await place.read(".env")).toBe("A=1\n");
    expect(await filesIn(place)).toEqual([".env"]);
  });

  test("a quote that is not closed would swallow what is added", async () => {
    await using place = await createPlace({ IMAP_PASSWORD: "it's" });
    await place.write(".env", "A='1\n", 0o600);
    const { exitCode, stderr } = await place.run(
      "init",
      ...["--no-check", "--imap-host", "h.invalid", "--imap-user", "me"],
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain("A quote in it is not closed");
    expect(await place.read(".env")).toBe("A='1\n");
    expect(await filesIn(place)).toEqual([".env"]);
  });
});

test.each([
  [["--imap-user", "me"], "--imap-user means nothing by itself. Give --imap-host"],
  [["--imap-host", "h"], "--imap-host means nothing by itself. Give --mail-address"],
  [["--imap-host", "h", "--imap-user", "me"], "IMAP_PASSWORD is needed. Name a file"],
  [["--imap-host", "imaps://h", "--imap-user", "me"], "--imap-host is not a server. Write a host"],
  [["--caldav-url", "https://h.invalid/"], "Give --caldav-user too"],
  [["--caldav-url", "h", "--caldav-user", "me", "--caldav-password-file", "none"], "cannot read"],
  [["--api-key-file", "two-lines"], "more than one line"],
  [["--api-key-file", "empty"], "is empty"],
  [["--api-key-file", "."], "cannot read"],
  [["--webhook-url", "https://h.invalid/"], "WEBHOOK_SECRET cannot be written into .env"],
  [["--service", "ftp://example.com/"], "targets[0].http: this is not a web address"],
  [["--service", "a b"], "that cannot be used: skills.services.targets[0]"],
  [["--ntfy", "nonsense"], "notify.channels.ntfy.server"],
  [["--ics", "gopher://example.com/x"], "neither an https:// nor an http:// address nor a path"],
  [["--mail-address", "me", "--maildir", "."], "must be an e-mail address"],
  [["--maildir", ""], "skills.inbox.accounts[0]"],
])("`init %j` says what is wrong in one line, exits 2 and writes nothing", async (words, said) => {
  await using place = await createPlace({ WEBHOOK_SECRET: `'"\`# and so many bytes as it takes` });
  await place.write("two-lines", "one\ntwo\n");
  await place.write("empty", "\n");
  const { exitCode, stdout, stderr } = await place.run("init", "--no-check", ...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(oneLine);
  expect(stderr).toContain(said);
  expect(await filesIn(place)).toEqual(["empty", "two-lines"]);
});
