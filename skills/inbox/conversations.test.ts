import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupConversations, type NewMessage } from "./conversations.ts";
import { mail, makeMaildir, Watch } from "./inbox-fixture.ts";
import type { Message } from "./message.ts";
import { observeMessages } from "./observation.ts";

const newMessage = (
  messageId: string,
  references: string[] = [],
  changes: Partial<Message> = {},
): NewMessage => ({
  message: {
    key: `${messageId}#0123456789abcdef`,
    fingerprint: messageId,
    messageId,
    references,
    from: { name: "", address: `${messageId}@example.com` },
    replyTo: [],
    to: [],
    cc: [],
    subject: "Lunch",
    date: undefined,
    bulk: undefined,
    attachments: [],
    attachmentCount: 0,
    text: "Shall we?",
    headers: [],
    size: 100,
    partial: false,
    ...changes,
  },
  arrivedAt: 0,
  place: { file: messageId },
  folder: "INBOX",
  judgement: { severity: "notice" },
});
const idsOf = (groups: NewMessage[][]) =>
  groups.map((group) => group.map(({ message }) => message.messageId));

describe("grouping", () => {
  it("puts answers together with what they answer, also when that is not there", () => {
    const messages = [
      newMessage("a"),
      newMessage("b", ["a"]),
      newMessage("other"),
      newMessage("c", ["a", "b"]),
      newMessage("d", ["elsewhere"]),
      newMessage("e", ["elsewhere"]),
    ];
    expect(idsOf(groupConversations(messages))).toEqual([["a", "b", "c"], ["other"], ["d", "e"]]);
  });

  it("joins two threads when a later message shows that they are one", () => {
    const messages = [newMessage("a", ["x"]), newMessage("b", ["y"]), newMessage("c", ["x", "y"])];
    expect(idsOf(groupConversations(messages)).flat().sort()).toEqual(["a", "b", "c"]);
    expect(groupConversations(messages)).toHaveLength(1);
  });

  it("keeps what weighs more apart from what claims to belong to it", () => {
    const boss: NewMessage = { ...newMessage("boss"), judgement: { severity: "warning" } };
    expect(idsOf(groupConversations([boss, newMessage("stranger", ["boss"])]))).toEqual([
      ["boss"],
      ["stranger"],
    ]);
  });

  it("takes every message exactly once, at most twelve together, whatever they claim", () => {
    const ids = fc.constantFrom("a", "b", "c", "d", "e", "");
    const claims = fc.array(fc.tuple(ids, fc.array(ids, { maxLength: 4 })), { maxLength: 40 });
    fc.assert(
      fc.property(claims, (made) => {
        const messages = made.map(([id, references]) => newMessage(id, references));
        const groups = groupConversations(messages);
        expect(groups.flat()).toHaveLength(messages.length);
        expect(new Set(groups.flat()).size).toBe(messages.length);
        for (const group of groups) expect(group.length).toBeLessThanOrEqual(12);
      }),
    );
  });
});

describe("a finding about several messages", () => {
  it("shows each of them, however long the others are", () => {
    const text = "x".repeat(2_000);
    const messages = Array.from({ length: 12 }, (_, index) =>
      newMessage(`m${index}`, ["a"], {
        text,
        subject: "y".repeat(300),
        from: { name: "n".repeat(100), address: `m${index}@example.com` },
      }),
    );
    const observation = observeMessages(messages, new Date(0));
    expect(observation.title).toMatch(/^12 mails, the last from n/);
    const shown = (observation.text ?? "").slice(0, 3_800);
    for (let index = 0; index < 12; index += 1) {
      expect(shown).toContain(`m${index}@example.com`);
      expect(shown).toContain(`m${index}#0123456789abcdef`);
    }
    expect(JSON.stringify(observation.data).length).toBeLessThan(64 * 1024);
  });

  it("has the same key for the same messages only", () => {
    const [a, b, c] = [newMessage("a"), newMessage("b", ["a"]), newMessage("c", ["a"])];
    const keyOf = (...messages: NewMessage[]) => observeMessages(messages, new Date(0)).key;
    expect(keyOf(a, b)).toBe(keyOf(b, a));
    expect(keyOf(a, b)).not.toBe(keyOf(a, b, c));
    expect(keyOf(a)).toBe(a.message.key);
  });
});

describe("the check", () => {
  let box: Awaited<ReturnType<typeof makeMaildir>>;
  beforeEach(async () => {
    box = await makeMaildir();
  });
  afterEach(() => box.remove());
  const config = { accounts: [{ name: "work", maildir: "mail", firstSight: "2d" }] };
  const answer = (id: string, to: string) => mail({ id, headers: [`In-Reply-To: <${to}>`] });

  it("makes one finding of a conversation, and another of what is added to it later", async () => {
    await box.add("1.a", mail({ id: "1@x" }));
    await box.add("2.a", answer("2@x", "1@x"));
    const watch = new Watch(config, { baseDir: box.baseDir });
    const first = await watch.look();
    expect(first.opened).toHaveLength(1);
    expect(first.opened[0]?.text).toMatch(/Id: 2@x#[^]*---[^]*Id: 1@x#/);
    // The owner may have acknowledged the first: what is added must not be covered by that.
    await box.add("3.a", answer("3@x", "2@x"));
    const second = await watch.look();
    expect(second.opened.map(({ key }) => key)).toEqual([expect.stringMatching(/^3@x#/)]);
    expect(second.changed).toEqual([]);
  });

  it("does not tell again what it told, however it is shown again", async () => {
    await box.add("1.a", mail({ id: "1@x" }));
    const watch = new Watch(config, { baseDir: box.baseDir });
    expect((await watch.look()).opened).toHaveLength(1);
    // The same message under another name, beside an answer to it: only the answer is new.
    await box.add("9.again", mail({ id: "1@x" }));
    await box.add("2.a", answer("2@x", "1@x"));
    const { observations } = await watch.look();
    expect(observations.map(({ key }) => key)).toEqual([expect.stringMatching(/^2@x#/)]);
  });
});
