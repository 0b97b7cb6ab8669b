import { readdir, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dovecotAvailable, startDovecot, type DovecotServer } from "../servers/dovecot.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { startNtfyServer } from "../servers/ntfy.ts";
import { radicaleAvailable, startRadicale } from "../servers/radicale.ts";
import { startMailServer } from "../servers/smtp.ts";
import { createPlace } from "./place.ts";
import { erase, keys, openTerminal, terminalAvailable, type Typist } from "./terminal.ts";

const { down, space, enter, interrupt, endOfInput } = keys;

// Of this provider's users the mail is on this machine: nobody is asked for its servers.

/** Chooses from "What do you have?", and from nothing else. */
async function has(typist: Typist, choices: string): Promise<void> {
  await typist.sees("What do you have?");
  typist.types(`${choices}${enter}`);
}

async function endWithoutMore(typist: Typist): Promise<void> {
  await typist.answers("Anthropic API key?", "n");
  await typist.answers("Where do you want to be told");
  await typist.answers("Write agent.config.ts and .env?", "y");
}

describe.skipIf(!terminalAvailable() || !dovecotAvailable() || !radicaleAvailable())(
  "init at a terminal, with real servers",
  () => {
    let dovecot: DovecotServer;
    beforeAll(async () => {
      dovecot = await startDovecot({ tls: false });
    });
    afterAll(async () => dovecot.stop());

    test("asks for mail, calendar, a service and a channel, tries each, and writes what is in order", async () => {
      await using place = await createPlace();
      await using radicale = await startRadicale();
      await using shop = await startHttpReceiver();
      await using ntfy = await startNtfyServer();
      await using typist = openTerminal(place, "init");
      await has(typist, `${space}${down}${space}${down}${space}`);
      await typist.answers("Where is your mail?");
      await typist.answers("Your e-mail address", "watch@proton.me");
      await typist.answers("The IMAP server", `${erase}127.0.0.1:${dovecot.port}`);
      await typist.answers("Does TLS begin at once", "n");
      await typist.answers("Your user name there", `${erase}${dovecot.user}`);
      await typist.answers("Your password there", "wr0ng-Passw0rd");
      await typist.sees("refused the login");
      // All that was right stands there still.
      await typist.answers("What now?");
      await typist.answers("Where is your mail?");
      await typist.answers("Your e-mail address");
      await typist.answers("The IMAP server");
      await typist.answers("Your user name there");
      await typist.answers("Your password there", dovecot.password);
      await typist.sees("inbox/proton-me: it answers");
      await typist.answers("Another mailbox?");
      await typist.answers("Where is your calendar?");
      await typist.answers("The address of the server", radicale.root);
      await typist.answers("Your user name there", `${erase}${radicale.user}`);
      await typist.answers("Your password there", radicale.password);
      await typist.sees("calendar/mine: it answers");
      await typist.answers("Another calendar?");
      await typist.answers("What to watch?", `${shop.origin}/health`);
      await typist.sees("it answers");
      await typist.answers("What else?");
      await typist.answers("Anthropic API key?", "n");
      await typist.sees("Where do you want to be told");
      typist.types(`${space}${enter}`);
      await typist.answers("The topic's address", `${ntfy.origin}/mine`);
      await typist.answers("Does it want a token?");
      await typist.sees("ntfy: a test message is on its way to you");
      await typist.answers("Write agent.config.ts and .env?");
      await typist.sees("wrote agent.config.ts");
      expect(await typist.ended).toBe(0);

      expect(ntfy.shown.map(({ title }) => title)).toEqual([
        expect.stringContaining("Test message"),
      ]);
      for (const secret of [dovecot.password, radicale.password, "wr0ng"]) {
        expect(typist.screen()).not.toContain(secret);
        expect(await place.read("agent.config.ts")).not.toContain(secret);
      }
      expect((await stat(place.path(".env"))).mode & 0o777).toBe(0o600);
      expect(await place.run("config", "check")).toMatchObject({ exitCode: 0, stderr: "" });
      const { value } = await place.json("beat");
      const { checks } = value as { checks: { name: string; outcome: string }[] };
      expect(checks.map(({ name, outcome }) => `${name} ${outcome}`).sort()).toEqual([
        "calendar/mine ok",
        "inbox/proton-me ok",
        "inbox/proton-me.login ok",
        "services/127-0-0-1 ok",
      ]);
    });

    test("keeps what does not answer when it is told to, and leaves out what it is told to", async () => {
      await using place = await createPlace();
      await dovecot.kill();
      try {
        await using typist = openTerminal(place, "init");
        await has(typist, `${space}${down}${down}${space}`);
        await typist.answers("Where is your mail?");
        await typist.answers("Your e-mail address", "o'neil@proton.me");
        await typist.answers("The IMAP server", `${erase}127.0.0.1:${dovecot.port}`);
        await typist.answers("Does TLS begin at once", "n");
        await typist.answers("Your user name there");
        await typist.answers("Your password there", `it's "so" #1 \\n`);
        await typist.sees("cannot reach");
        await typist.answers("What now?", down);
        await typist.answers("Another mailbox?");
        await typist.answers("What to watch?", `127.0.0.1:${dovecot.port}`);
        await typist.sees("is down");
        await typist.answers("What now?", `${down}${down}`);
        await typist.answers("What to watch?");
        await endWithoutMore(typist);
        expect(await typist.ended).toBe(0);
      } finally {
        await dovecot.restart();
      }
      expect(await place.read("agent.config.ts")).toContain(`user: "o'neil@proton.me"`);
      expect((await place.run("config", "check")).stdout).toContain("1 skill, 2 checks");
    });

    test("Ctrl-C while a server is silent ends it, and nothing is left behind", async () => {
      await using place = await createPlace();
      await using silent = await startHttpReceiver();
      silent.behave("hang");
      await using typist = openTerminal(place, "init");
      await has(typist, `${down}${down}${space}`);
      await typist.answers("What to watch?", silent.origin);
      await silent.arrived(1);
      typist.types(interrupt);
      await typist.sees("nothing was written");
      expect(await typist.ended).toBe(1);
      expect(await leftIn(place.dir)).toEqual([]);
    });
  },
);

describe.skipIf(!terminalAvailable())("init at a terminal", () => {
  test("Ctrl-C at the last question leaves nothing behind", async () => {
    await using place = await createPlace();
    await using typist = openTerminal(place, "init");
    await has(typist, "");
    await typist.answers("Anthropic API key?", "n");
    await typist.answers("Where do you want to be told");
    await typist.sees("Write agent.config.ts and .env?");
    typist.types(interrupt);
    await typist.sees("nothing was written");
    expect(await typist.ended).toBe(1);
    expect(await leftIn(place.dir)).toEqual([]);
  });

  test.each([
    ["a choice", []],
    ["yes or no", ["Anthropic API key?"]],
    ["a secret", ["Anthropic API key?", "The key"]],
  ])("Ctrl-D at %s ends it too, and is no success", async (_, questions) => {
    await using place = await createPlace();
    await using typist = openTerminal(place, "init");
    const last = questions.at(-1);
    if (last === undefined) await typist.sees("What do you have?");
    else {
      await has(typist, "");
      for (const question of questions.slice(0, -1)) await typist.answers(question);
      await typist.sees(last);
    }
    typist.types(endOfInput);
    await typist.sees("nothing was written");
    expect(await typist.ended).toBe(1);
    expect(await leftIn(place.dir)).toEqual([]);
  });

  test("a wrong answer is said under its question, and asked again", async () => {
    await using place = await createPlace();
    await place.write("notes/today.txt", "milk");
    await using typist = openTerminal(place, "init");
    await has(typist, space);
    await typist.answers("Where is your mail?", down);
    await typist.answers("Your e-mail address", "me");
    await typist.sees("Write it such as me@example.com");
    typist.types(`@proton.me${enter}`);
    await typist.answers("The folder of the Maildir", `${erase}./nowhere`);
    await typist.sees("There is no such folder");
    typist.types(`${erase}./notes${enter}`);
    await typist.sees("That is not a Maildir");
    await place.write("mail/new/1", "Subject: x\n\nx\n");
    typist.types(`${erase}./mail${enter}`);
    await typist.sees("inbox/proton-me: it answers");
    await typist.answers("Another mailbox?");
    await endWithoutMore(typist);
    expect(await typist.ended).toBe(0);
    expect((await place.run("config", "check")).stdout).toContain("1 skill, 1 check");
  });

  test("where to be told is tried with a message: what fails is answered again, or left out", async () => {
    await using place = await createPlace();
    await using hooks = await startHttpReceiver();
    hooks.behave({ status: 410 });
    const smtp = await startMailServer({ login: false });
    try {
      await using typist = openTerminal(place, "init");
      await has(typist, "");
      await typist.answers("Anthropic API key?", "n");
      await typist.sees("Where do you want to be told");
      typist.types(`${down}${space}${down}${down}${down}${space}${enter}`);
      await typist.answers("To which address?", "you@example.invalid");
      await typist.answers("From which address?", `${erase}me@proton.me`);
      await typist.answers("The SMTP server", `${erase}127.0.0.1:${smtp.port}`);
      await typist.answers("Does TLS begin at once", "n");
      await typist.answers("Does it want a login?", "n");
      await typist.sees("email: a test message is on its way to you");
      await typist.answers("The address that is called", `${hooks.origin}/gone`);
      await typist.sees("410");
      await typist.answers("What now?");
      hooks.behave("answer");
      await typist.answers("The address that is called", `${erase}${hooks.origin}/here`);
      await typist.sees("webhook: a test message is on its way to you");
      await typist.answers("Write agent.config.ts and .env?");
      expect(await typist.ended).toBe(0);
    } finally {
      await smtp.stop();
    }
    expect(smtp.received.map(({ from, to }) => [from, ...to])).toEqual([
      ["me@proton.me", "you@example.invalid"],
    ]);
    const { value } = await place.json("notify", "test", "webhook");
    expect(value).toMatchObject([{ channel: "webhook", ok: true }]);
    expect(hooks.requests.map(({ path }) => path)).toEqual(["/gone", "/here", "/here"]);
  });

  test("a key that is refused is said to be, and one in the environment is used when that is wanted", async () => {
    await using provider = await startHttpReceiver();
    provider.behave(({ headers }) =>
      headers.authorization?.includes("sk-ant-right")
        ? { status: 200, headers: { "content-type": "application/json" }, body: '{"data":[]}' }
        : {
            status: 401,
            headers: { "content-type": "application/json" },
            body: '{"type":"error","error":{"type":"authentication_error","message":"invalid bearer token"}}',
          },
    );
    await using place = await createPlace({ ANTHROPIC_BASE_URL: provider.origin });
    {
      await using typist = openTerminal(place, "init");
      await has(typist, "");
      await typist.answers("Anthropic API key?", "y");
      await typist.answers("The key", "sk-ant-wrong-0001");
      await typist.sees("the key was refused");
      await typist.answers("What now?");
      await typist.answers("The key", "sk-ant-right-0001");
      await typist.sees("ANTHROPIC_API_KEY: it is taken");
      await typist.answers("Where do you want to be told");
      await typist.answers("Write agent.config.ts and .env?");
      expect(await typist.ended).toBe(0);
      expect(typist.screen()).not.toContain("sk-ant");
    }
    expect(await place.read(".env")).toContain("\nANTHROPIC_API_KEY=sk-ant-right-0001\n");
    expect((await place.run("config", "check")).exitCode).toBe(0);
  });

  test("asks nothing where there is a configuration, and leaves it as it is", async () => {
    await using place = await createPlace();
    await place.config("{}");
    const before = await place.read("agent.config.ts");
    await using typist = openTerminal(place, "init");
    await typist.sees("left agent.config.ts as it is");
    expect(await typist.ended).toBe(0);
    expect(await place.read("agent.config.ts")).toBe(before);
  });

  test("asks nothing when the template is wanted", async () => {
    await using place = await createPlace();
    await using typist = openTerminal(place, "init", "--template");
    await typist.sees("wrote agent.config.ts");
    expect(await typist.ended).toBe(0);
  });
});

const leftIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => !name.startsWith(".cache"));
