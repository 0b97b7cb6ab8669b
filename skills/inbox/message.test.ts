import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import type { NewMessage } from "./conversations.ts";
import { mail } from "./inbox-fixture.ts";
import { type Message, parseMessage } from "./message.ts";
import { observeMessages, renderMessage } from "./observation.ts";
import { judge } from "./rules.ts";

const arrivedAt = Date.parse("2026-11-23T09:00:00Z");
const now = new Date("2026-11-23T12:00:00Z");
const stored = (raw: string | Uint8Array) => {
  const source = typeof raw === "string" ? Buffer.from(raw) : raw;
  return { source, size: source.length, arrivedAt, place: { file: "f" } };
};
const parse = (raw: string | Uint8Array, limit = 2_000) => parseMessage(stored(raw), limit);
const newMessage = (message: Message): NewMessage => ({
  message,
  arrivedAt,
  place: { file: "1.a" },
  folder: "INBOX",
  judgement: judge(message, "work", { rules: [], vips: [] }, undefined),
});
const observe = async (raw: string | Uint8Array) =>
  observeMessages([newMessage(await parse(raw))], now);

describe("an observation of a message", () => {
  it("says who wrote what to whom, with an id to read it by", async () => {
    const observation = await observe(mail({ body: "Shall we?\n\nAnna" }));
    expect(observation).toMatchObject({
      severity: "notice",
      trust: "untrusted",
      title: "Mail from Anna Berg: Lunch",
      closesAt: new Date(arrivedAt + 14 * 86_400_000),
      data: {
        messageId: "m1@example.com",
        from: "anna@example.com",
        to: ["me@example.com"],
        subject: "Lunch",
      },
    });
    expect(observation.text).toBe(
      [
        `Id: ${observation.key}`,
        "From: Anna Berg <anna@example.com>",
        "To: me@example.com",
        "Subject: Lunch",
        "Date: 2026-11-23T09:00:00.000Z",
        "",
        "Shall we?",
        "",
        "Anna",
      ].join("\n"),
    );
  });

  it.each([
    ["List-Id: <news.example.com>", "info"],
    ["Precedence: bulk", "info"],
    ["Precedence: list", "info"],
    ["Auto-Submitted: auto-generated; x=y", "info"],
    ["Auto-Submitted: no", "notice"],
    ["Precedence: special-delivery", "notice"],
  ])("with %s is %s", async (header, severity) => {
    expect((await observe(mail({ headers: [header] }))).severity).toBe(severity);
  });

  it("shows the address behind a display name that poses as one", async () => {
    const { title } = await observe(mail({ from: '"boss@example.com" <x@evil.example>' }));
    expect(title).toBe("Mail from boss@example.com <x@evil.example>: Lunch");
  });

  it("shows a Reply-To that leads elsewhere", async () => {
    const { text } = await observe(mail({ headers: ["Reply-To: x@evil.example"] }));
    expect(text).toContain("Reply-To: x@evil.example");
  });

  it("keeps the title one clean line, whatever the subject", async () => {
    const subject = `=?utf-8?B?${Buffer.from("\u202eOpen\r\nBcc: x\u0007 " + "y".repeat(900)).toString("base64")}?=`;
    const { title } = await observe(mail({ subject }));
    expect(title).toMatch(/^Mail from Anna Berg: Open Bcc: x y+…$/);
    expect(title.length).toBeLessThanOrEqual(200);
  });

  it("names attachments and does without anything else", async () => {
    const raw = mail({
      headers: ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"],
      body: '--b\nContent-Type: text/html\n\n<p>See <b>file</b></p><img src="http://tracker.example/x">\n--b\nContent-Type: application/pdf; name=bill.pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--',
    });
    const text = (await observe(raw)).text ?? "";
    expect(text).toContain("Attachments: bill.pdf (application/pdf, 3 B)");
    expect(text).toContain("\n\nSee file");
    expect(text).not.toContain("tracker");
    const empty = await observe("");
    expect(empty.title).toBe("Mail from an unknown sender: (no subject)");
    expect(empty.text).toContain("(no text)");
  });
});

describe("parseMessage", () => {
  it.each([
    ["iso-8859-1", Buffer.from("Gr\xfc\xdfe", "latin1"), "Grüße"],
    ["iso-2022-jp", Buffer.from("\x1b$B$3$s\x1b(B", "latin1"), "こん"],
    ["koi8-r", Buffer.from([0xf0, 0xd2, 0xc9]), "При"],
    ["x-does-not-exist", Buffer.from("plain"), "plain"],
    ["utf-8", Buffer.from([0x61, 0xff, 0xfe, 0x62]), "a\ufffd\ufffdb"],
  ])("reads %s", async (charset, body, text) => {
    const head = mail({
      headers: [`Content-Type: text/plain; charset=${charset}`],
      body: "",
    }).trimEnd();
    const message = await parse(Buffer.concat([Buffer.from(`${head}\n\n`), body]));
    expect(message.text).toBe(text);
  });

  it("says when it read only the beginning", async () => {
    const source = Buffer.from(mail());
    const message = await parseMessage(
      { source, size: 30_000_000, arrivedAt, place: { file: "f" } },
      2_000,
    );
    expect(renderMessage(message)).toContain(
      "a message of 28.6 MB, of which only the beginning was read",
    );
  });

  const half = 512 * 1024;
  const fill = (piece: string, length = half) =>
    piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
  const multipart = (body: string) => `Content-Type: multipart/mixed; boundary=a\n\n${body}`;
  it.each([
    ["parts", multipart(fill("--a\n\nx\n"))],
    [
      "parts with headers",
      multipart(fill("--a\nContent-Type: text/plain; name*0=a\n\nx\n", 120_000)),
    ],
    ["line feeds", fill("\n")],
    ["flowed lines", `Content-Type: text/plain; format=flowed\n\n${fill("> a \n")}`],
    ["nested messages", `${"Content-Type: message/rfc822\n\n".repeat(20)}${fill("x\n")}`],
    ["addresses", `To: ${fill("a <a@b.c>, ", 120_000)}\n\nx`],
    ["groups", `To: ${fill("a:", 120_000)}\n\nx`],
    ["folded headers", `Subject: a\n${fill(" b\n", 120_000)}\n\nx`],
    ["HTML parts", multipart(fill("--a\nContent-Type: text/html\n\n<b>x\n--a\n\ny\n", 120_000))],
  ])("is not held up by half a megabyte of %s", async (_, raw) => {
    expect(await processorMs(() => parse(raw))).toBeLessThan(2_500);
  });

  it.each([
    [
      "nesting",
      Array.from(
        { length: 60 },
        (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`,
      ).join(""),
    ],
    ["headers", `${fill(`A: ${"b".repeat(100)}\n`)}\n\nx`],
  ])("refuses too much %s", async (_, raw) => {
    await expect(parse(raw)).rejects.toThrow(/exceeded/);
  });
});
