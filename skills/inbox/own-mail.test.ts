import { mkdir, readdir, readFile, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { ImapFlow } from "imapflow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SkillLog } from "watchkeeper";
import { skillContext } from "watchkeeper/testing";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { type MailServer, startMailServer } from "../../tests/servers/smtp.ts";
import { makeMaildir, Watch } from "./inbox-fixture.ts";
import inbox from "./index.ts";
import type { SendResult } from "./send-tool.ts";

const warnings: string[] = [];
const log: SkillLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => void warnings.push(message),
};
const message = { to: ["me@example.com"], subject: "To myself", text: "Remember this." };

let smtp: MailServer;
beforeEach(async () => {
  warnings.length = 0;
  smtp = await startMailServer();
});
afterEach(() => smtp.stop());

function skillWith(config: unknown, baseDir: string) {
  const parsed = inbox.config?.parse(config);
  if (parsed === undefined) throw new Error("no config");
  const tool = inbox.tools?.(skillContext(parsed, { baseDir, log }))["send"];
  if (tool === undefined) throw new Error("no tool");
  const context = (idempotencyKey: string) => ({
    signal: AbortSignal.timeout(30_000),
    idempotencyKey,
    trust: "trusted" as const,
    runId: null,
    now: new Date(),
    log,
  });
  return {
    send: async (key = "one") => (await tool.run(message, context(key))) as SendResult,
    reconcile: (key = "one") =>
      tool.reconcile?.(message, context(key)) ?? Promise.resolve(undefined),
  };
}

/** As it comes back to the inbox: with what servers add on the way. */
const delivered = (raw: Buffer) =>
  `Return-Path: <me@example.com>\r\nReceived: from a by b; Mon, 23 Nov 2026 10:00:00 +0000\r\n${raw.toString("latin1")}`;

describe("with a Maildir", () => {
  let box: Awaited<ReturnType<typeof makeMaildir>>;
  let config: unknown;
  beforeEach(async () => {
    box = await makeMaildir();
    const account = {
      name: "work",
      address: "me@example.com",
      maildir: "./mail",
      firstSight: "2d",
    };
    config = {
      accounts: [{ ...account, smtp: { host: "127.0.0.1", port: smtp.port, secure: false } }],
    };
  });
  afterEach(() => box.remove());

  const makeSent = async () => {
    for (const folder of ["cur", "new", "tmp"])
      await mkdir(join(box.maildir, ".Sent", folder), { recursive: true });
  };
  const sentFiles = () => readdir(join(box.maildir, ".Sent", "cur"));
  const titles = async () =>
    (await new Watch(config, box).look()).observations.map(({ title }) => title).sort();

  it("keeps one copy of what was sent, by which the outcome can be found out", async () => {
    await makeSent();
    const skill = skillWith(config, box.baseDir);
    expect(await skill.reconcile()).toBeUndefined();
    const { messageId } = await skill.send();
    await skill.send();
    const [file = "", ...others] = await sentFiles();
    expect(others).toEqual([]);
    expect(file).toMatch(/:2,S$/);
    expect(await readFile(join(box.maildir, ".Sent", "cur", file))).toEqual(smtp.received[0]?.raw);
    expect(await skill.reconcile()).toMatchObject({
      result: { messageId, accepted: ["me@example.com"], rejected: [] },
    });
    expect(await skill.reconcile("another")).toBeUndefined();
    expect(await readdir(join(box.maildir, ".Sent", "tmp"))).toEqual([]);
  });

  it("sends without keeping a copy where there is no folder for it, and makes none", async () => {
    const skill = skillWith(config, box.baseDir);
    expect((await skill.send()).accepted).toEqual(["me@example.com"]);
    expect((await readdir(box.maildir)).sort()).toEqual(["cur", "new", "tmp"]);
    expect(await skill.reconcile()).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  // Where not even root can make a file.
  it.skipIf(process.platform !== "linux")(
    "sends also when the copy cannot be kept, and says so in the log",
    async () => {
      await makeSent();
      await rmdir(join(box.maildir, ".Sent", "tmp"));
      await symlink("/proc", join(box.maildir, ".Sent", "tmp"));
      expect((await skillWith(config, box.baseDir).send()).accepted).toEqual(["me@example.com"]);
      expect(warnings).toEqual(["the mail was sent, and no copy of it could be kept"]);
      expect(await sentFiles()).toEqual([]);
    },
  );

  it("does not report what it sent itself, and reports everything that only says so", async () => {
    await makeSent();
    const { messageId } = await skillWith(config, box.baseDir).send();
    const raw = delivered(smtp.received[0]?.raw ?? Buffer.alloc(0));
    const invented = (digit: string) => `<watchkeeper.${digit.repeat(32)}@example.com>`;
    const forged: [string, string][] = [
      ["other words under our id", raw.replace("Remember this.", "Pay now")],
      ["another subject under our id", raw.replace("Subject: To myself", "Subject: Invoice")],
      ["an invented id", raw.replace(messageId, invented("0"))],
      [
        "an invented id that was never on the way",
        raw.replace(/^Received:.*\r\n/m, "").replace(messageId, invented("1")),
      ],
      ["another sender", raw.replace("From: me@example.com", "From: eve@evil.example")],
      ["no id", raw.replace(/^Message-ID:.*\r\n/im, "")],
    ];
    await box.add("0.own", raw);
    expect(await titles()).toEqual([]);
    for (const [index, [what, text]] of forged.entries()) {
      expect(text, what).not.toBe(raw);
      await box.add(`${index + 1}.forged`, text);
    }
    expect(await titles()).toHaveLength(forged.length);
  });

  it("reports it like any other mail where there is no folder for sent mail", async () => {
    await skillWith(config, box.baseDir).send();
    await box.add("0.own", delivered(smtp.received[0]?.raw ?? Buffer.alloc(0)));
    expect(await titles()).toEqual(["Mail from me@example.com: To myself"]);
  });
});

describe.skipIf(!dovecotAvailable())("with an IMAP server", () => {
  let server: DovecotServer;
  let config: unknown;
  beforeEach(async () => {
    server = await startDovecot({ tls: false });
    const { port, user, password } = server;
    const imap = { host: "127.0.0.1", port, secure: false, user, password };
    const account = { name: "work", address: "me@example.com", imap, firstSight: "2d" };
    config = {
      accounts: [{ ...account, smtp: { host: "127.0.0.1", port: smtp.port, secure: false } }],
    };
  });
  afterEach(() => server.stop());

  async function withImap<Result>(work: (client: ImapFlow) => Promise<Result>) {
    const auth = { user: server.user, pass: server.password };
    const client = new ImapFlow({
      host: "127.0.0.1",
      port: server.port,
      secure: false,
      doSTARTTLS: false,
      auth,
      logger: false,
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  }
  const countIn = (path: string) =>
    withImap(async (client) => await client.status(path, { messages: true, unseen: true }));

  it("puts one copy into the folder for sent mail, finds the outcome there, and does not report it", async () => {
    await withImap((client) => client.mailboxCreate("Sent"));
    const skill = skillWith(config, "/");
    expect(await skill.reconcile()).toBeUndefined();
    const { messageId } = await skill.send();
    expect(await countIn("Sent")).toMatchObject({ messages: 1, unseen: 0 });
    expect(await skill.reconcile()).toMatchObject({ result: { messageId } });
    expect(await skill.reconcile("another")).toBeUndefined();

    const raw = delivered(smtp.received[0]?.raw ?? Buffer.alloc(0));
    await server.addMessage(raw);
    await server.addMessage(raw.replace("Remember this.", "Pay now"));
    const watch = new Watch(config);
    const { observations } = await watch.look();
    expect(observations.map(({ text }) => text?.includes("Pay now"))).toEqual([true]);
    expect((await watch.look()).observations).toEqual([]);
  });

  it("adds no second copy where the server keeps one itself", async () => {
    await withImap((client) => client.mailboxCreate("Sent"));
    const skill = skillWith(config, "/");
    await skill.send();
    await skill.send();
    expect(smtp.received).toHaveLength(2);
    expect(await countIn("Sent")).toMatchObject({ messages: 1 });
  });

  it("sends also without such a folder, and when the mailbox is gone; then nobody can tell the outcome", async () => {
    const skill = skillWith(config, "/");
    expect((await skill.send("one")).accepted).toEqual(["me@example.com"]);
    expect(warnings).toEqual([]);
    await server.kill();
    expect((await skill.send("two")).accepted).toEqual(["me@example.com"]);
    expect(warnings).toEqual(["the mail was sent, and no copy of it could be kept"]);
    expect(await skill.reconcile("two")).toBeUndefined();
  });
});
