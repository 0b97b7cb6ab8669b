import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { inspect } from "node:util";
import PostalMime from "postal-mime";
import { afterEach, describe, expect, it } from "vitest";
import type { SkillLog, ToolRunContext } from "watchkeeper";
import { callTool, skillContext } from "watchkeeper/testing";
import {
  hasOpenssl,
  type MailServer,
  type MailServerOptions,
  refusal,
  startMailServer,
} from "../../tests/servers/smtp.ts";
import { inboxConfig } from "./config.ts";
import { mail, makeMaildir } from "./inbox-fixture.ts";
import inbox from "./index.ts";
import { maildirMailbox } from "./maildir-mailbox.ts";
import { maildirSent } from "./maildir-sent.ts";
import { sendTool, type SendResult } from "./send-tool.ts";
import type { SmtpLimits } from "./smtp.ts";

const log: SkillLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const now = new Date("2026-11-23T10:00:00Z");
const message = { to: ["ann@example.com"], subject: "Lunch", text: "At one?" };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function mailServer(options?: MailServerOptions): Promise<MailServer> {
  const server = await startMailServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function maildirBox() {
  const box = await makeMaildir();
  cleanups.push(() => box.remove());
  return box;
}

const accountWith = (smtp: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  name: "work",
  address: "me@example.com",
  maildir: "./mail",
  smtp: { host: "127.0.0.1", secure: false, ...smtp },
  ...more,
});
const overTls = ({ port, ca, user, password }: MailServer, changes: Record<string, unknown> = {}) =>
  accountWith({
    port,
    secure: true,
    user,
    password,
    tls: { ca, servername: "localhost" },
    ...changes,
  });

async function send(
  account: object,
  input: object = message,
  options: { key?: string; baseDir?: string } = {},
) {
  const { key = "key-1", baseDir = (await maildirBox()).baseDir } = options;
  const config = { accounts: [account] };
  return (await callTool(inbox, "send", input, {
    config,
    baseDir,
    now,
    idempotencyKey: key,
  })) as SendResult;
}

/** The error, after seeing that nothing in it gives the password away. */
async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error, { depth: 8, showHidden: true })).not.toMatch(
    /-Passw0rd|czNjcmV0LVBhc3N3MHJk/,
  );
  return error as Error & { code: string; hint: string };
}

/** A server that answers as it is told: `hears` gets each line of the client, DATA included. */
async function scriptedServer(
  talk: (line: string, socket: Socket) => void,
  greeting = "220 hello\r\n",
) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (greeting !== "") socket.write(greeting);
    let rest = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) talk(line, socket);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Plays along until the message has come whole, then does as it is told. */
function untilMessage(
  then: (socket: Socket) => void,
  onData: (socket: Socket) => void = (socket) => socket.write("354 go on\r\n"),
) {
  return (line: string, socket: Socket) => {
    if (/^(EHLO|MAIL|RCPT)/.test(line)) socket.write("250 fine\r\n");
    else if (line === "DATA") onData(socket);
    else if (line === ".") then(socket);
  };
}

const quick: SmtpLimits = { connectMs: 1_000, greetingMs: 1_000, silenceMs: 1_000, totalMs: 8_000 };

/** The tool itself, with waits as short as a test wants them. */
async function directTool(smtp: Record<string, unknown>, limits = quick) {
  const { baseDir } = await maildirBox();
  const { accounts } = inboxConfig.parse({ accounts: [accountWith(smtp)] });
  const [account] = accounts;
  if (account?.smtp === undefined || account.address === undefined) throw new Error("no account");
  const sent = maildirSent(account, "./mail", baseDir);
  const mailbox = maildirMailbox({ account, path: "./mail", baseDir });
  const server = { ...account.smtp, tokens: undefined };
  return sendTool({
    senders: new Map([["work", { account, address: account.address, server, sent }]]),
    mailboxes: new Map([["work", { account, mailbox }]]),
    baseDir,
    limits,
  });
}
const contextWith = (
  signal = AbortSignal.timeout(20_000),
  idempotencyKey = "key-1",
): ToolRunContext => ({
  signal,
  idempotencyKey,
  trust: "trusted" as const,
  runId: null,
  now,
  log,
});

describe("inbox_send", () => {
  it.skipIf(!hasOpenssl)(
    "sends one plain-text mail over TLS with a login, its headers exactly right",
    async () => {
      const server = await mailServer({ tls: "start" });
      const subject = "Grüße 🎉 – über die Woche";
      const text = "Hallo,\n\n.\nFrom here on: ÄÖÜ\n..two\n" + "x".repeat(2_000);
      const to = ["ann@example.com", "bob@example.org", "Ann@example.com"];
      const result = await send(overTls(server), { to, subject, text });
      expect(result).toEqual({
        messageId: expect.stringMatching(/^<watchkeeper\.[0-9a-f]{32}@example\.com>$/),
        accepted: ["Ann@example.com", "bob@example.org"],
        rejected: [],
      });
      const [received, ...others] = server.received;
      expect(others).toEqual([]);
      expect(received).toMatchObject({
        secure: true,
        user: "me",
        from: "me@example.com",
        to: result.accepted,
      });
      const email = await PostalMime.parse(received?.raw ?? "");
      expect(email).toMatchObject({
        from: { address: "me@example.com" },
        to: [{ address: "Ann@example.com" }, { address: "bob@example.org" }],
        subject,
        messageId: result.messageId,
        date: "2026-11-23T10:00:00.000Z",
        attachments: [],
      });
      expect(email.text?.replaceAll("\r\n", "\n").trimEnd()).toBe(text);
      expect(email.html).toBeUndefined();
      expect(email.headers.map(({ key }) => key).sort()).toEqual([
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
      ]);
    },
  );

  it("gives the same Message-ID to the same call, and another to another", async () => {
    const server = await mailServer();
    const account = accountWith({ port: server.port });
    const ids: string[] = [];
    for (const key of ["one", "one", "two"])
      ids.push((await send(account, message, { key })).messageId);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
    const sent = server.received.map(({ raw }) => /^Message-ID: (.*)$/m.exec(raw.toString())?.[1]);
    expect(sent).toEqual(ids);
  });

  it("answers into the thread of a mail that is in the mailbox, also when only its id is known", async () => {
    const server = await mailServer();
    const box = await maildirBox();
    const references = Array.from({ length: 30 }, (_, index) => `<r${index}@x>`).join("\n ");
    await box.add("1.a", mail({ id: "q@x", headers: [`References: ${references}`] }));
    const account = accountWith({ port: server.port });
    await send(account, { ...message, inReplyTo: "q@x" }, box);
    await send(account, { ...message, inReplyTo: "<unknown@x>" }, box);
    const [known, unknown] = await Promise.all(
      server.received.map(({ raw }) => PostalMime.parse(raw)),
    );
    expect(known?.inReplyTo).toBe("<q@x>");
    expect(known?.references?.split(/\s+/)).toEqual([
      "<r0@x>",
      ...Array.from({ length: 8 }, (_, index) => `<r${index + 22}@x>`),
      "<q@x>",
    ]);
    expect(unknown).toMatchObject({ inReplyTo: "<unknown@x>", references: "<unknown@x>" });
    await expect(
      send(account, { ...message, inReplyTo: "#AAAAAAAAAAAAAAAA" }, box),
    ).rejects.toMatchObject({
      code: "INBOX_MESSAGE_UNKNOWN",
    });
    expect(server.received).toHaveLength(2);
  });

  it.each<[string, object]>([
    ["a line break in an address", { to: ["ann@example.com\r\nBcc: eve@example.com"] }],
    ["a list in an address", { to: ["ann@example.com, eve@example.com"] }],
    ["a name with an address", { to: ["Ann <ann@example.com>"] }],
    ["an address with a parameter", { to: ["ann@example.com> NOTIFY=NEVER"] }],
    ["an address of other letters", { to: ["ann@exämple.com"] }],
    ["nobody", { to: [] }],
    ["21 recipients", { to: Array.from({ length: 21 }, (_, index) => `a${index}@example.com`) }],
    ["a line break in the subject", { subject: "Hello\nBcc: eve@example.com" }],
    ["a carriage return in the subject", { subject: "Hello\rBcc: eve@example.com" }],
    ["a line separator in the subject", { subject: "Hello\u2028Bcc: eve@example.com" }],
    ["a NUL in the subject", { subject: "a\0b" }],
    ["half a character in the subject", { subject: "a\ud800" }],
    ["a subject of 301 characters", { subject: "x".repeat(301) }],
    ["an escape in the text", { text: "a\u001b[2J" }],
    ["a text of 50,001 characters", { text: "x".repeat(50_001) }],
    ["a line break in the id", { inReplyTo: "a@b\r\nBcc: eve@example.com" }],
    ["a space in the id", { inReplyTo: "a@b> <c@d" }],
    ["a From of its own", { from: "boss@example.com" }],
    ["a header of its own", { headers: { bcc: "eve@example.com" } }],
    ["a file", { text: { path: "/etc/passwd" } }],
  ])("refuses %s before anything is sent", async (_, change) => {
    const server = await mailServer();
    await expect(
      send(accountWith({ port: server.port }), { ...message, ...change }),
    ).rejects.toMatchObject({
      name: "ToolError",
      code: "TOOL_INPUT_INVALID",
    });
    expect(server.received).toEqual([]);
  });

  it("sends within a network whose hosts have no dot", async () => {
    const server = await mailServer();
    const account = accountWith({ port: server.port }, { address: "me@nas" });
    await send(account, { ...message, to: ["ann@b", "root@localhost"] });
    expect(server.received).toMatchObject([{ from: "me@nas", to: ["ann@b", "root@localhost"] }]);
  });

  it("writes an id that closes its bracket early as nothing but an id", async () => {
    const server = await mailServer();
    await send(accountWith({ port: server.port }), { ...message, inReplyTo: "a@b>,<c@d" });
    const email = await PostalMime.parse(server.received[0]?.raw ?? "");
    expect(email.inReplyTo).toBe("<a@b>");
  });

  it("sends to those whom the server takes, and says who was refused", async () => {
    const server = await mailServer({
      refuseRecipient: (address) =>
        address.startsWith("gone") ? refusal(550, "no such user here") : undefined,
    });
    const account = accountWith({ port: server.port });
    const result = await send(account, { ...message, to: ["gone@example.com", "ann@example.com"] });
    expect(result).toMatchObject({ accepted: ["ann@example.com"], rejected: ["gone@example.com"] });
    expect(result.note).toContain("no such user here");
    expect(server.received).toHaveLength(1);
    expect(await failureOf(send(account, { ...message, to: ["gone@example.com"] }))).toMatchObject({
      name: "ToolError",
      code: "SMTP_RECIPIENTS_REFUSED",
      message: expect.stringContaining("no such user here") as string,
    });
    expect(server.received).toHaveLength(1);
  });

  it.skipIf(!hasOpenssl)("says that the login was refused, and repeats no password", async () => {
    const server = await mailServer({ tls: "start" });
    const error = await failureOf(send(overTls(server, { password: "wr0ng-Passw0rd" })));
    expect(error).toMatchObject({ name: "ToolError", code: "SMTP_LOGIN_REFUSED" });
    expect(error.message).toContain('refused the login of "me": 535');
    expect(server.received).toEqual([]);
  });

  it("says that the server refused the message after reading it: it was not sent", async () => {
    const server = await mailServer({ refuseMessage: () => refusal(554, "looks like spam") });
    expect(await failureOf(send(accountWith({ port: server.port })))).toMatchObject({
      name: "ToolError",
      code: "SMTP_MESSAGE_REFUSED",
      message: expect.stringContaining("looks like spam") as string,
    });
  });

  it.skipIf(!hasOpenssl)(
    "uses STARTTLS where the server is not on this machine by name",
    async () => {
      const server = await mailServer({ tls: "starttls" });
      const account = overTls(server, { host: "::ffff:127.0.0.1", secure: false });
      expect((await send(account)).accepted).toEqual(["ann@example.com"]);
      expect(server.received[0]).toMatchObject({ secure: true, user: "me" });
    },
  );

  it("sends neither password nor mail in the clear to another machine", async () => {
    const heard: string[] = [];
    const port = await scriptedServer((line, socket) => {
      heard.push(line.split(" ")[0] ?? "");
      socket.write(
        line.startsWith("EHLO") ? "250-hello\r\n250 AUTH PLAIN LOGIN\r\n" : "502 no\r\n",
      );
    });
    const login = { user: "me", password: "s3cret-Passw0rd" };
    const account = accountWith({ host: "::ffff:127.0.0.1", port, ...login });
    expect(await failureOf(send(account))).toMatchObject({
      name: "ToolError",
      code: "SMTP_TLS_REFUSED",
    });
    expect(heard.filter((word) => word !== "EHLO" && word !== "STARTTLS")).toEqual([]);
  });

  it.skipIf(!hasOpenssl)("trusts no certificate that nobody vouches for", async () => {
    const server = await mailServer({ tls: "start" });
    const error = await failureOf(send(overTls(server, { tls: { servername: "localhost" } })));
    expect(error).toMatchObject({ name: "ToolError", code: "SMTP_TLS_REFUSED" });
    expect(error.message).toContain("is not trusted");
    expect(server.received).toEqual([]);
  });

  it("says that there is no server", async () => {
    const server = await startMailServer();
    await server.stop();
    expect(await failureOf(send(accountWith({ port: server.port })))).toMatchObject({
      name: "ToolError",
      code: "SMTP_UNREACHABLE",
      message: expect.stringContaining("ECONNREFUSED") as string,
    });
  });

  it("names the accounts when it must be told which", async () => {
    const accounts = ["work", "home"].map((name) => ({ ...accountWith({ port: 9 }), name }));
    const call = (input: object) => callTool(inbox, "send", input, { config: { accounts } });
    await expect(call(message)).rejects.toMatchObject({
      code: "INBOX_ACCOUNT_NEEDED",
      hint: "Accounts that can send: work, home",
    });
    await expect(call({ ...message, account: "wrk" })).rejects.toMatchObject({
      code: "INBOX_ACCOUNT_CANNOT_SEND",
      hint: "Accounts that can send: work, home",
    });
  });

  it("is not there when no account can send", async () => {
    const config = { accounts: [{ name: "work", maildir: "." }] };
    await expect(callTool(inbox, "send", message, { config })).rejects.toMatchObject({
      code: "SKILL_TOOL_UNKNOWN",
    });
  });
});

describe("a server that fails in mid-way", () => {
  const fatal: [string, Parameters<typeof scriptedServer>[0]][] = [
    ["closes after the message", untilMessage((socket) => socket.end())],
    ["breaks off after the message", untilMessage((socket) => socket.resetAndDestroy())],
    ["says nothing after the message", untilMessage(() => undefined)],
    ["says half a word after the message", untilMessage((socket) => socket.end("250"))],
    ["says no, and not to the end", untilMessage((socket) => socket.end("554 no"))],
    ["says something else after the message", untilMessage((socket) => socket.write("hello?\r\n"))],
    ["asks again after the message", untilMessage((socket) => socket.write("354 more\r\n"))],
    [
      "breaks off as the message comes",
      untilMessage(
        () => undefined,
        (socket) => {
          socket.write("354 go on\r\n", () => socket.end());
        },
      ),
    ],
  ];
  it.each(fatal)("and %s leaves it open whether the mail was sent", async (_, talk) => {
    const tool = await directTool({ port: await scriptedServer(talk) });
    const error = await failureOf(tool.run(message, contextWith()));
    expect(error).toMatchObject({ name: "AdapterError", code: "SMTP_OUTCOME_UNKNOWN" });
    expect(error.message).toContain("nobody knows whether the mail was sent");
  });

  const harmless: [string, Parameters<typeof scriptedServer>[0], string?][] = [
    ["never greets", () => undefined, ""],
    ["greets with a no", () => undefined, "554 go away\r\n"],
    ["hangs at its name", () => undefined],
    ["closes at its name", (_line, socket) => socket.end()],
    [
      "hangs before the message",
      untilMessage(
        () => undefined,
        () => undefined,
      ),
    ],
    [
      "breaks off before the message",
      untilMessage(
        () => undefined,
        (socket) => socket.resetAndDestroy(),
      ),
    ],
    [
      "refuses the command for the message",
      untilMessage(
        () => undefined,
        (socket) => socket.write("451 not now\r\n"),
      ),
    ],
    [
      "closes with a word before the message",
      untilMessage(
        () => undefined,
        (socket) => socket.end("421 bye\r\n"),
      ),
    ],
    [
      "talks without end",
      (_line, socket) => void socket.write(`250-${"x".repeat(70_000)}\r\n`.repeat(3)),
    ],
  ];
  it.each(harmless)("and %s has surely sent nothing", async (_, talk, greeting) => {
    const tool = await directTool({ port: await scriptedServer(talk, greeting) });
    const error = await failureOf(tool.run(message, contextWith()));
    expect(error.name).toBe("ToolError");
    expect(error.code).toMatch(/^SMTP_(UNREACHABLE|MESSAGE_REFUSED)$/);
    expect(error.hint).toMatch(/^Nothing was sent/);
  });

  it("and drips its greeting is left at the end of the time for all of it", async () => {
    const port = await scriptedServer((_line, socket) => {
      const drip = setInterval(() => socket.write("250-x\r\n"), 50);
      socket.once("close", () => clearInterval(drip));
    });
    const tool = await directTool({ port }, { ...quick, totalMs: 700 });
    expect(await failureOf(tool.run(message, contextWith()))).toMatchObject({
      name: "ToolError",
      code: "SMTP_UNREACHABLE",
      message: expect.stringContaining("it took too long") as string,
    });
  });

  it("is left at once when the call is stopped, before the message and after", async () => {
    const slow: SmtpLimits = {
      connectMs: 15_000,
      greetingMs: 15_000,
      silenceMs: 15_000,
      totalMs: 15_000,
    };
    for (const [phase, code] of [
      ["DATA", "SMTP_STOPPED"],
      [".", "SMTP_OUTCOME_UNKNOWN"],
    ] as const) {
      const controller = new AbortController();
      const port = await scriptedServer((line, socket) => {
        if (line === phase) controller.abort(new Error("the daemon stops"));
        else if (line === "DATA") socket.write("354 go on\r\n");
        else if (/^(EHLO|MAIL|RCPT)/.test(line)) socket.write("250 fine\r\n");
      });
      const tool = await directTool({ port }, slow);
      expect(await failureOf(tool.run(message, contextWith(controller.signal)))).toMatchObject({
        code,
      });
    }
    const tool = await directTool({ port: 9 });
    const stopped = contextWith(AbortSignal.abort(new Error("stopped")));
    expect(await failureOf(tool.run(message, stopped))).toMatchObject({ code: "SMTP_STOPPED" });
  });
});

describe("the facts of a call", () => {
  const proven = (from: string, verdict = "dmarc=pass header.from=example.com") =>
    mail({ from, id: "q@x", headers: [`Authentication-Results: mx.example.org; ${verdict}`] });

  async function factsFor(
    raw: string,
    input: object,
    more: object = { authservId: "mx.example.org" },
  ) {
    const box = await maildirBox();
    await box.add("1.a", raw);
    const config = inboxConfig.parse({ accounts: [accountWith({ port: 9 }, { ...more })] });
    const tool = inbox.tools?.(skillContext(config, { baseDir: box.baseDir, log }))["send"];
    return tool?.subject?.({ ...message, ...input }, contextWith());
  }

  it("are the account, the one recipient, and whom it answers when that is proven", async () => {
    const raw = proven("Ann <Ann@Example.com>");
    expect(await factsFor(raw, { inReplyTo: "q@x" })).toEqual({
      account: "work",
      to: "ann@example.com",
      from: "ann@example.com",
    });
  });

  it("are no sender when the answer goes elsewhere, or to others too", async () => {
    const raw = proven("ann@example.com");
    const elsewhere = await factsFor(raw, { inReplyTo: "q@x", to: ["eve@example.net"] });
    expect(elsewhere).toEqual({ account: "work", to: "eve@example.net" });
    const both = ["ann@example.com", "eve@example.net"];
    expect(await factsFor(raw, { inReplyTo: "q@x", to: both })).toEqual({ account: "work" });
  });

  it.each<[string, string, object]>([
    ["nothing says so", mail({ id: "q@x", from: "ann@example.com" }), {}],
    ["the server says no", proven("ann@example.com", "dmarc=fail header.from=example.com"), {}],
    ["the owner named no server", proven("ann@example.com"), { authservId: undefined }],
    ["it is another server's word", proven("ann@example.com"), { authservId: "mx.example.com" }],
  ])("are no sender when %s", async (_, raw, more) => {
    const account = { authservId: "mx.example.org", ...more };
    expect(await factsFor(raw, { inReplyTo: "q@x" }, account)).toEqual({
      account: "work",
      to: "ann@example.com",
    });
  });
});
