import PostalMime from "postal-mime";
import { afterEach, describe, expect, it } from "vitest";
import { startFailingSmtp } from "../../tests/servers/failing-smtp.ts";
import {
  hasOpenssl,
  refusal,
  startMailServer,
  type MailServer,
  type MailServerOptions,
} from "../../tests/servers/smtp.ts";
import { message, never, openChannel } from "./channel-fixture.ts";
import type { ChannelDependencies } from "./channel.ts";
import type { Message } from "./message.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function mailServer(options?: MailServerOptions): Promise<MailServer> {
  const server = await startMailServer(options);
  cleanups.push(() => server.stop());
  return server;
}

const from = "watch@example.com";

function open(
  smtp: Record<string, unknown>,
  {
    to = "me@example.com",
    ...more
  }: Partial<ChannelDependencies> & {
    to?: string | string[];
  } = {},
) {
  const server = { host: "127.0.0.1", secure: false, ...smtp };
  return openChannel("email", { smtp: server, from, to }, more);
}

const overTls = ({ port, ca, user, password }: MailServer, changes: object = {}) => ({
  ...{ port, user, password, secure: true, tls: { ca, servername: "localhost" } },
  ...changes,
});

async function sentAs(changes: Partial<Message> = {}, more: Parameters<typeof open>[1] = {}) {
  const server = await mailServer();
  await open({ port: server.port }, more).channel.deliver({ ...message, ...changes }, never);
  const [received] = server.received;
  if (!received) throw new Error("nothing arrived");
  const mail = await PostalMime.parse(received.raw);
  const header = (name: string) =>
    mail.headers.filter(({ key }) => key === name).map(({ value }) => value);
  return { ...received, mail, header, text: received.raw.toString("latin1") };
}

const error = (sending: Promise<void>) =>
  sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

it("is one plain text with title, why and links, that no machine answers", async () => {
  const { mail, header, from: sender, to, text } = await sentAs();
  expect([sender, ...to]).toEqual([from, "me@example.com"]);
  expect(mail.from).toMatchObject({ name: "Watchkeeper", address: from });
  expect(mail.subject).toBe("api is down (critical)");
  expect(mail.text).toBe(
    [
      "api is down",
      "services/api, finding 1",
      "It answers 503.",
      "why now: critical: told at once",
      "Approve: https://watch.example.com/word/wk1abc\nDeny: https://watch.example.com/word/wk1def\n",
    ].join("\n\n"),
  );
  expect(mail.html).toBeUndefined();
  expect(mail.attachments).toEqual([]);
  expect(header("auto-submitted")).toEqual(["auto-generated"]);
  expect(header("x-auto-response-suppress")).toEqual(["All"]);
  expect(header("importance")).toEqual(["high"]);
  expect(header("date")).toEqual(["Mon, 23 Nov 2026 08:30:00 +0000"]);
  expect(text).not.toMatch(/[^\r]\n/);
});

it("says how to reply only where a reply counts, which is then known by the mail's id", async () => {
  const replyToken = `wk1${"a".repeat(26)}`;
  const asked = await sentAs({ replyToken });
  expect(asked.mail.messageId).toBe(`<${replyToken}@wk0123456789.host.example>`);
  expect(asked.mail.text).toContain("reply to this mail: approve or deny as the first line");
  expect((await sentAs({ links: [] })).mail.text).not.toContain("reply");
});

it("has the same id at every attempt, and is in the thread of its trouble", async () => {
  const first = await sentAs();
  const again = await sentAs();
  const later = await sentAs({ key: "13-test", at: message.at + 60_000, severity: "notice" });
  expect(first.mail.messageId).toBe("<12-test.mwt09cg0@wk0123456789.host.example>");
  expect(again.mail.messageId).toBe(first.mail.messageId);
  expect(later.mail.messageId).not.toBe(first.mail.messageId);
  for (const { mail } of [first, later]) {
    expect(mail.references).toBe("<finding-1@wk0123456789.host.example>");
    expect(mail.inReplyTo).toBe("<finding-1@wk0123456789.host.example>");
  }
  expect(later.header("importance")).toEqual([]);
});

it("bears the token of a reply as its id", async () => {
  const replyToken = `wk1${"a".repeat(26)}`;
  const { mail } = await sentAs({ replyToken });
  expect(mail.messageId).toBe(`<${replyToken}@wk0123456789.host.example>`);
  expect(mail.text).not.toContain(replyToken);
});

it("is signed over what arrives", async () => {
  const signed: unknown[] = [];
  const { mail, header } = await sentAs(
    { title: "Grüße, größer als 🙂 ".repeat(10).trim(), body: "Zeile = 1\n.\nFrom x\n  ä\n" },
    { signMail: (parts) => (signed.push(parts), "t=1,v1=abc") },
  );
  expect(header("x-watchkeeper-signature")).toEqual(["t=1,v1=abc"]);
  expect(signed).toEqual([{ messageId: mail.messageId, subject: mail.subject, text: mail.text }]);
});

it.each([
  ["a title", { title: "down\r\nBcc: eve@example.com\r\n\r\nhello" }],
  ["a key", { key: "12>\r\nBcc: eve@example.com" }],
  ["a thread", { thread: "finding>\r\nBcc: eve@example.com" }],
  ["a token", { replyToken: "wk1>\r\nBcc: eve@example.com" }],
])("puts no header in that %s asks for", async (_what, changes) => {
  const { mail, to, text, header } = await sentAs(changes);
  expect(to).toEqual(["me@example.com"]);
  expect(mail.bcc ?? []).toEqual([]);
  expect(header("bcc")).toEqual([]);
  expect(text.split("\r\n\r\n")[0]).not.toMatch(/^bcc:/im);
  expect(mail.messageId).toMatch(/^<[A-Za-z0-9.-]+@wk0123456789\.host\.example>$/);
});

it("goes to each of several, and says who was refused when others were not", async () => {
  const server = await mailServer({
    refuseRecipient: (address) =>
      address.startsWith("gone") ? refusal(550, "5.1.1 nobody here") : undefined,
  });
  const opened = open({ port: server.port }, { to: ["me@example.com", "gone@example.com"] });
  await opened.channel.deliver(message, never);
  expect(server.received[0]?.to).toEqual(["me@example.com"]);
  expect(opened.warnings).toEqual(["email: not taken for some recipients: 550 5.1.1 nobody here"]);
});

describe.runIf(hasOpenssl)("encryption", () => {
  it("stands from the start, with a login", async () => {
    const server = await mailServer({ tls: "start" });
    await open(overTls(server)).channel.deliver(message, never);
    expect(server.received[0]).toMatchObject({ secure: true, user: "me" });
  });

  it("is not there where the server wants STARTTLS: nothing is sent in the clear", async () => {
    const server = await mailServer({ tls: "starttls" });
    expect(await error(open(overTls(server)).channel.deliver(message, never))).toMatchObject({
      ...{ outcome: "not-sent", hint: expect.stringContaining("587 with false") },
    });
  });

  it("refuses a certificate of nobody's, and says which setting mends it", async () => {
    const server = await mailServer({ tls: "start" });
    const { channel } = open(overTls(server, { tls: {} }));
    expect(await error(channel.deliver(message, never))).toMatchObject({
      ...{ code: "CHANNEL_SMTP_UNREACHABLE", outcome: "not-sent", retryable: true },
      hint: expect.stringContaining("smtp.tls.ca"),
    });
  });
});

it("needs the authority that is named", async () => {
  const { channel } = open({ port: 1, secure: true, tls: { ca: "./no-such.pem" } });
  expect(await error(channel.deliver(message, never))).toMatchObject({
    ...{ code: "CHANNEL_CA_UNREADABLE", outcome: "not-sent", retryable: false },
  });
});

it("takes a wrong password for one that stays wrong, and does not repeat it", async () => {
  const server = await mailServer({ login: true });
  const { channel } = open({ port: server.port, user: "me", password: "wrong-Passw0rd" });
  const thrown = await error(channel.deliver(message, never));
  expect(thrown).toMatchObject({ code: "CHANNEL_SMTP_REFUSED", retryable: false });
  expect(thrown).toMatchObject({ hint: expect.stringContaining("app password") });
  expect(String(thrown)).not.toContain("wrong-Passw0rd");
});

it.each([
  ["EHLO", "421 too many of you", true],
  ["MAIL", "451 later", true],
  ["MAIL", "553 not from you", false],
  ["RCPT", "450 mailbox is busy", true],
  ["RCPT", "550 nobody here", false],
  ["DATA", "452 disk is full", true],
  ["DATA", "554 not today", false],
  [".", "451 greylisted", true],
  [".", "554 spam", false],
])("after %s takes %s for a no that passes: %s", async (at, reply, retryable) => {
  using server = await startFailingSmtp(at, reply);
  const thrown = await error(open({ port: server.port }).channel.deliver(message, never));
  expect(thrown).toMatchObject({ outcome: "not-sent", retryable });
  expect(String(thrown)).toContain(reply.slice(4));
});

it.each([
  ["greeting", "not-sent"],
  ["EHLO", "not-sent"],
  ["MAIL", "not-sent"],
  ["RCPT", "not-sent"],
  ["DATA", "not-sent"],
  [".", "unknown"],
])("knows what a cut after %s means: %s", async (at, outcome) => {
  using server = await startFailingSmtp(at, "cut");
  const thrown = await error(open({ port: server.port }).channel.deliver(message, never));
  expect(thrown).toMatchObject({ outcome });
});

it("is taken once the server has said so, whatever becomes of the goodbye", async () => {
  using server = await startFailingSmtp("QUIT", "cut");
  await open({ port: server.port }).channel.deliver(message, never);
  expect(server.message.length).toBeGreaterThan(0);
});
