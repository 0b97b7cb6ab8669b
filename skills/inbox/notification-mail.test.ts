import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NotificationMail, ReceivedMail, TakenAnswer } from "watchkeeper";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { contextFor, loadInbox, mail, makeMaildir, Watch } from "./inbox-fixture.ts";
import inbox from "./index.ts";
import { threadOf } from "./outgoing.ts";

/** What the skill makes of the daemon's word on a mail; that word itself is the core's. */

const token = `wk1${"a".repeat(26)}`;
const signature = "X-Watchkeeper-Signature: of ours";
const ours = (id: string, body = "Your word is asked.") =>
  mail({ from: "watch@example.com", subject: "Asked", id, headers: [signature], body });
const aligned =
  "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com; dkim=pass header.d=example.com";
const answer = (body = "approve", headers: string[] = [aligned]) =>
  mail({
    from: "Me <me@example.com>",
    subject: "Re: Asked",
    id: "r1@example.com",
    headers: [...headers, `In-Reply-To: <${token}@watch.example.com>`],
    body,
  });

/** Knows what bears the signature, takes what a test says, and keeps what it was asked. */
class Daemon implements NotificationMail {
  readonly asked: ReceivedMail[] = [];
  readonly #take: (mail: ReceivedMail) => TakenAnswer | undefined;
  constructor(take: (mail: ReceivedMail) => TakenAnswer | undefined = () => undefined) {
    this.#take = take;
  }
  isOurs({ signature, isPlain }: Pick<ReceivedMail, "signature" | "isPlain">): boolean {
    return signature === "of ours" && isPlain;
  }
  async takeAnswer(mail: ReceivedMail): Promise<TakenAnswer | undefined> {
    this.asked.push(mail);
    return this.#take(mail);
  }
}

const taken = { taken: true, note: "approval 5 approved by e-mail reply" };
const account = { name: "work", firstSight: "2d", authservId: "mx.example.com" };

describe("in a Maildir", () => {
  let box: Awaited<ReturnType<typeof makeMaildir>>;
  beforeEach(async () => {
    box = await makeMaildir();
  });
  afterEach(() => box.remove());
  const config = { accounts: [{ ...account, maildir: "./mail" }] };
  const watch = (daemon: NotificationMail) =>
    new Watch(config, { baseDir: box.baseDir, notificationMail: daemon });

  it("what the daemon sent is no observation, and counted in the receipt", async () => {
    await box.add("1", ours("n1@watch.example.com"));
    await box.add("2", ours("n2@watch.example.com"));
    await box.add("3", mail());
    const daemon = new Daemon();
    const { observations, notes } = await watch(daemon).look();
    expect(observations.map(({ title }) => title)).toEqual(["Mail from Anna Berg: Lunch"]);
    expect(notes).toEqual(["2 messages of watchkeeper's own left alone"]);
    expect(daemon.asked.map(({ subject }) => subject)).toEqual(["Lunch"]);
  });

  it("a copy of it with an attachment is a mail like any other", async () => {
    const part = (type: string, text: string) => `--x\nContent-Type: ${type}\n\n${text}\n`;
    const body = `${part("text/plain", "Asked")}${part("application/pdf", "x")}--x--\n`;
    const mixed = "Content-Type: multipart/mixed; boundary=x";
    await box.add("1", mail({ subject: "Asked", headers: [signature, mixed], body }));
    expect((await watch(new Daemon()).look()).observations).toHaveLength(1);
  });

  it("an answer that was taken is no observation either, and the receipt says what it did", async () => {
    await box.add("1", answer());
    const daemon = new Daemon(() => taken);
    const one = watch(daemon);
    expect(await one.look()).toMatchObject({ observations: [], notes: [taken.note] });
    expect(daemon.asked).toMatchObject([
      {
        provenSender: "me@example.com",
        inReplyTo: [`${token}@watch.example.com`],
        text: "approve\n",
      },
    ]);
    await one.look();
    expect(daemon.asked).toHaveLength(1);
  });

  it("one that did not count is a mail like any other, with the reason in the receipt", async () => {
    await box.add("1", answer());
    const refused = { taken: false, note: "an e-mail reply to approval 5 did not count: …" };
    const { observations, notes } = await watch(new Daemon(() => refused)).look();
    expect(observations).toMatchObject([{ trust: "untrusted", title: "Mail from Me: Re: Asked" }]);
    expect(notes).toEqual([refused.note]);
  });

  it.each<[string, string[]]>([
    ["without the server's word", []],
    ["with another server's word", [aligned.replace("mx.", "mx.evil.")]],
    ["with two of them, one a stranger's", [aligned, aligned]],
    ["that fails DMARC", [aligned.replace("dmarc=pass", "dmarc=fail")]],
    ["signed by another domain", [aligned.replaceAll("=example.com", "=evil.example")]],
  ])("does not say that the sender is proven in a mail %s", async (_, headers) => {
    await box.add("1", answer("approve", headers));
    const daemon = new Daemon();
    await watch(daemon).look();
    expect(daemon.asked).toMatchObject([{ provenSender: undefined }]);
  });

  it("goes by the name of the server of the account that has the mail", async () => {
    await box.add("1", answer());
    const daemon = new Daemon();
    const accounts = [
      { name: "work", maildir: "./mail", firstSight: "2d", authservId: "mx.other.example" },
      { name: "home", maildir: "./mail", firstSight: "2d" },
    ];
    const options = { baseDir: box.baseDir, notificationMail: daemon };
    await new Watch({ accounts }, { ...options, account: "work" }).look();
    await new Watch({ accounts }, { ...options, account: "home" }).look();
    expect(daemon.asked.map(({ provenSender }) => provenSender)).toEqual([undefined, undefined]);
  });

  it("never offers what the agent sent as an answer, not even from the owner's address", async () => {
    const id = `watchkeeper.${"0".repeat(32)}@example.com`;
    await box.add("1", answer().replace("r1@example.com", id));
    const daemon = new Daemon(() => taken);
    expect((await watch(daemon).look()).observations).toHaveLength(1);
    expect(daemon.asked).toEqual([]);
  });

  it("fails the look when the answer could not be taken, and meets it again", async () => {
    await box.add("1", mail());
    await box.add("2", answer());
    let full = true;
    const daemon = new Daemon(({ subject }) => {
      if (subject !== "Re: Asked") return undefined;
      if (full) throw new Error("disk full");
      return taken;
    });
    const one = watch(daemon);
    await expect(one.look()).rejects.toThrow("disk full");
    full = false;
    const { observations, notes } = await one.look();
    expect(observations).toHaveLength(1);
    expect(notes).toEqual([taken.note]);
  });

  it("gives the daemon's own mail to no tool", async () => {
    await box.add("1", ours("n1@watch.example.com"));
    await box.add("2", mail({ body: "Asked too" }));
    const { tool } = loadInbox(config, box.baseDir, { notificationMail: new Daemon() });
    expect(await tool("search").run({ query: "asked" })).toMatchObject({
      messages: [{ subject: "Lunch" }],
      leftOut: "1 message of watchkeeper's own",
    });
    for (const name of ["read", "archive", "mark_read"]) {
      const reading = tool(name).run({ id: "n1@watch.example.com" });
      await expect(reading).rejects.toMatchObject({ code: "INBOX_MESSAGE_OWN" });
    }
  });
});

describe.skipIf(!dovecotAvailable())("over IMAP", () => {
  let server: DovecotServer;
  beforeEach(async () => {
    server = await startDovecot({ tls: false });
  });
  afterEach(() => server.stop());

  it("does the same", async () => {
    const { port, user, password } = server;
    const imap = { host: "127.0.0.1", port, secure: false, user, password };
    const config = { accounts: [{ ...account, imap }] };
    await server.addMessage(ours("n1@watch.example.com"));
    await server.addMessage(answer());
    await server.addMessage(mail());
    const daemon = new Daemon(({ subject }) => (subject === "Re: Asked" ? taken : undefined));
    const { observations, notes } = await new Watch(config, { notificationMail: daemon }).look();
    expect(observations.map(({ title }) => title)).toEqual(["Mail from Anna Berg: Lunch"]);
    expect(notes).toEqual([taken.note, "1 message of watchkeeper's own left alone"]);
    expect(daemon.asked[0]).toMatchObject({ provenSender: "me@example.com", isAutomatic: false });
    const { tool } = loadInbox(config, "/", { notificationMail: daemon });
    expect(await tool("search").run({ query: "asked" })).toMatchObject({
      messages: [{ subject: "Re: Asked" }],
    });
  });
});

it("writes no token into a mail of the agent's, whatever that answers", () => {
  const question = `${token}@watch.example.com`;
  const source = Buffer.from(`References: <first@b> <${question}>\r\n\r\nhello`);
  expect(threadOf("r1@example.com", source)).toEqual({
    inReplyTo: "<r1@example.com>",
    references: ["<first@b>", "<r1@example.com>"],
  });
});

it("says where replies are seen, and what is to be mended where they would not count", () => {
  const config = {
    accounts: [
      { name: "work", maildir: "./a", address: "me@example.com", authservId: "mx.example.com" },
      { name: "home", maildir: "./b", address: "home@example.com" },
      { name: "other", maildir: "./c", authservId: "mx.example.com" },
    ],
  };
  expect(inbox.repliesAt?.(contextFor(config))).toEqual([
    { address: "me@example.com" },
    {
      address: "home@example.com",
      problem: expect.stringContaining('account "home" has no authservId'),
    },
  ]);
});
