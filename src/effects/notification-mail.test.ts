import { beforeEach, describe, expect, it } from "vitest";
import { mailSignature } from "../domain/mail-signature.ts";
import { wordToken } from "../domain/word-token.ts";
import type { ReceivedMail } from "../skills/notification-mail.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { notificationMail } from "./notification-mail.ts";
import { repliesCheck } from "./outcome.ts";

const secret = "s".repeat(43);
const hour = 3_600_000;

let opened: Awaited<ReturnType<typeof openTemporaryStore>>;
let clock: FakeClock;
let woken: number;
beforeEach(async () => {
  opened = await openTemporaryStore();
  clock = new FakeClock();
  woken = 0;
});

const mailbox = () =>
  notificationMail({
    secret,
    answers: {
      store: opened.store,
      clock,
      askedAddresses: ["me@example.com"],
      wake: () => void (woken += 1),
    },
  });

async function ask(argumentsHash = "abc") {
  const now = clock.now();
  const { id } = await opened.store.addApproval({
    ...{ runId: null, tool: "inbox_send", toolVersion: "1", arguments: {}, argumentsHash },
    ...{ effect: "send", trust: "untrusted", reason: "asked always" },
    ...{ createdAt: now, expiresAt: now + 24 * hour },
  });
  const subject = { approvalId: id, argumentsHash, expiresAt: now + 24 * hour };
  const token = wordToken(secret, { ...subject, use: "reply" });
  return { id, token };
}

const reply = (token: string, changes: Partial<ReceivedMail> = {}): ReceivedMail => ({
  messageId: "r1@mail.example.com",
  inReplyTo: [`${token}@watch.example.com`],
  references: [],
  subject: "Re: Your word is asked",
  text: "approve",
  isPlain: true,
  signature: undefined,
  provenSender: "me@example.com",
  isAutomatic: false,
  ...changes,
});

const told = async () =>
  (await opened.store.listFindings({ all: true, limit: 100 }))
    .filter(({ check }) => check === repliesCheck)
    .map(({ title, status, severity, revision }) => ({ title, status, severity, revision }));
const statusOf = async (id: number) => (await opened.store.getApproval(id))?.status;

describe("an answer", () => {
  it("is written down as the owner's word, and the daemon woken to carry it out", async () => {
    const { id, token } = await ask();
    expect(await mailbox().takeAnswer(reply(token))).toEqual({
      taken: true,
      note: `approval ${id} approved by e-mail reply`,
    });
    expect(await opened.store.getApproval(id)).toMatchObject({
      status: "approved",
      note: null,
      decidedAt: clock.now(),
    });
    expect(woken).toBe(1);
    expect(await told()).toEqual([]);
  });

  it("that denies keeps the reason", async () => {
    const { id, token } = await ask();
    await mailbox().takeAnswer(reply(token, { text: "deny: not to Ann" }));
    expect(await opened.store.getApproval(id)).toMatchObject({
      status: "denied",
      note: "not to Ann",
    });
  });

  it("that is met again after a kill, or in a second mailbox, is used up, without a word", async () => {
    const { id, token } = await ask();
    await mailbox().takeAnswer(reply(token));
    const again = await mailbox().takeAnswer(reply(token));
    expect(again).toEqual({
      taken: true,
      note: `approval ${id} was approved already: an e-mail reply says the same`,
    });
    expect(woken).toBe(1);
    expect(await told()).toEqual([]);
  });

  it("counts once when two mailboxes meet it at the same time", async () => {
    const { id, token } = await ask();
    const both = [mailbox(), mailbox()].map((each) => each.takeAnswer(reply(token)));
    expect((await Promise.all(both)).map((answer) => answer?.taken)).toEqual([true, true]);
    expect(await statusOf(id)).toBe("approved");
    expect(woken).toBe(1);
  });

  it("that comes second and says the contrary changes nothing, and is told", async () => {
    const { id, token } = await ask();
    await mailbox().takeAnswer(reply(token));
    expect(await mailbox().takeAnswer(reply(token, { text: "deny" }))).toMatchObject({
      taken: false,
    });
    expect(await statusOf(id)).toBe("approved");
    expect(await told()).toMatchObject([
      { title: `Your reply to approval ${id} changes nothing: it was decided otherwise before` },
    ]);
  });

  it("that comes too late is told, once, also before anybody has noticed that the time is over", async () => {
    const { id, token } = await ask();
    await clock.advance(24 * hour);
    expect(await mailbox().takeAnswer(reply(token))).toEqual({
      taken: false,
      note: `an e-mail reply to approval ${id} did not count: the approval has expired`,
    });
    await opened.store.expireApprovals(clock.now());
    await mailbox().takeAnswer(reply(token, { messageId: "r2@mail.example.com" }));
    expect(await told()).toEqual([
      {
        title: `Your reply to approval ${id} came too late: nothing was done`,
        ...{ status: "open", severity: "warning", revision: 1 },
      },
    ]);
  });

  it("that was not understood is told, and that is over when the next one is", async () => {
    const { id, token } = await ask();
    await mailbox().takeAnswer(reply(token, { text: "ok, do it" }));
    await mailbox().takeAnswer(reply(token, { text: "yes" }));
    expect(await statusOf(id)).toBe("pending");
    expect(await told()).toMatchObject([
      {
        title: `Your reply to approval ${id} was not understood: nothing was decided`,
        revision: 1,
      },
    ]);
    await mailbox().takeAnswer(reply(token));
    expect(await statusOf(id)).toBe("approved");
    expect(await told()).toMatchObject([{ status: "resolved" }]);
  });

  it.each<[string, Partial<ReceivedMail>]>([
    ["nobody proves who sent it", { provenSender: undefined }],
    ["a stranger sent it", { provenSender: "eve@evil.example" }],
    ["a machine sent it", { isAutomatic: true }],
    ["its token is mangled", { inReplyTo: [`wk1${"a".repeat(26)}@watch.example.com`] }],
  ])("is none, and tells the owner nothing, when %s", async (_, changes) => {
    const { id, token } = await ask();
    expect(await mailbox().takeAnswer(reply(token, changes))).toMatchObject({ taken: false });
    expect(await statusOf(id)).toBe("pending");
    expect(await told()).toEqual([]);
    expect(woken).toBe(0);
  });

  it("does not count for arguments that the owner has changed meanwhile", async () => {
    const { id, token } = await ask();
    const edited = { arguments: { to: "b" }, argumentsHash: "other", effect: "send" as const };
    const word = { decision: "approved" as const, note: null, at: clock.now(), edited };
    await opened.store.decideApproval(id, word);
    expect(await mailbox().takeAnswer(reply(token))).toMatchObject({ taken: false });
  });

  it("is looked for in the mail's ids, subject and text only, and most mail holds none", async () => {
    await ask();
    const mail = reply("", { inReplyTo: ["x@y"], text: "approve" });
    expect(await mailbox().takeAnswer(mail)).toBeUndefined();
  });

  it("is taken nowhere where nothing may be changed", async () => {
    const { id, token } = await ask();
    const looking = notificationMail({ secret, answers: undefined });
    expect(await looking.takeAnswer(reply(token))).toBeUndefined();
    expect(await statusOf(id)).toBe("pending");
  });

  it("fails the look when it cannot be written, so that it is met again", async () => {
    const { token } = await ask();
    const full = new Proxy(opened.store, {
      get(target, name, receiver): unknown {
        if (name === "decideApproval") return () => Promise.reject(new Error("disk full"));
        return Reflect.get(target, name, receiver);
      },
    });
    const answers = {
      store: full,
      clock,
      askedAddresses: ["me@example.com"],
      wake: () => undefined,
    };
    const failing = notificationMail({ secret, answers });
    await expect(failing.takeAnswer(reply(token))).rejects.toThrow("disk full");
  });
});

describe("a mail of ours", () => {
  const content = {
    messageId: "1-email@watch.example.com",
    subject: "api is down",
    text: "HTTP 503",
  };
  const sent = { ...content, isPlain: true, signature: mailSignature(secret, content) };

  it("is known by its signature", () => {
    expect(mailbox().isOurs(sent)).toBe(true);
  });

  it.each<[string, Partial<ReceivedMail>]>([
    ["has none", { signature: undefined }],
    ["says something else", { text: "HTTP 503. Pay now." }],
    ["has more than its text: a page, or an attachment", { isPlain: false }],
    ["was signed with another secret", { signature: mailSignature("other", content) }],
  ])("is not one that %s", (_, changes) => {
    expect(mailbox().isOurs({ ...sent, ...changes })).toBe(false);
  });
});
