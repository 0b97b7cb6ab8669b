import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { identifyMessage, parseMessageKey } from "./identity.ts";
import { mail } from "./inbox-fixture.ts";

const identify = (raw: string) => identifyMessage(Buffer.from(raw));

describe("identifyMessage", () => {
  it("is the same with either kind of line end, and with headers that relays and stores add", () => {
    const raw = mail();
    const relayed = `Received: by relay\nX-Spam: no\nStatus: RO\n${raw}`;
    expect(identify(raw.replaceAll("\n", "\r\n"))).toEqual(identify(raw));
    expect(identify(relayed)).toEqual(identify(raw));
    expect(identify(`${raw}\n\n`)).toEqual(identify(raw));
  });

  it.each([
    ["the text", { body: "Pay this." }],
    ["the sender", { from: "Anna Berg <anna@evil.example>" }],
    ["the subject", { subject: "Lunch!" }],
    ["the content type", { headers: ["Content-Type: text/html"] }],
  ])("makes another message of a known Message-ID with %s changed", (_, change) => {
    const first = identify(mail());
    const second = identify(mail(change));
    expect(second.messageId).toBe(first.messageId);
    expect(second.key).not.toBe(first.key);
    expect(second.digest).not.toBe(first.digest);
  });

  it("tells apart messages that differ only beyond the part that was read", () => {
    const head = Buffer.from(mail());
    expect(identifyMessage(head, 1_000_000).key).not.toBe(identifyMessage(head, 1_000_001).key);
  });

  it("goes by all headers when there is no Message-ID", () => {
    const at = (time: string) => identify(`Received: at ${time}\n${mail({ id: null })}`);
    expect(at("10:00").key).toMatch(/^#[\w-]{16}$/);
    expect(at("10:00").key).not.toBe(at("11:00").key);
  });

  it("gives keys that fit, whatever the bytes, and that can be taken apart again", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const head = Buffer.concat([Buffer.from("Message-ID: <"), bytes, Buffer.from(">\n\nx")]);
        const { key, messageId, digest } = identifyMessage(head);
        expect(key).toMatch(/^[\x21-\x7e]{17,300}$/);
        expect(parseMessageKey(key)).toEqual({ messageId, digest });
      }),
    );
  });

  it.each(["a@b", "<a@b>", "  <a@b> "])("takes a bare Message-ID: %j", (id) => {
    expect(parseMessageKey(id)).toEqual({ messageId: "a@b", digest: undefined });
  });
});
