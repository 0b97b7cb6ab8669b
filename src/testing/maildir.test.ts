import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import PostalMime from "postal-mime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatMail, type MailMessage } from "./mail-message.ts";
import { createMaildir } from "./maildir.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maildir-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const plain: MailMessage = {
  from: "Ann Example <ann@example.com>",
  to: "me@example.com",
  subject: "Lunch?",
  text: "Tomorrow at noon?\n\nAnn",
  date: new Date("2026-11-02T10:30:00Z"),
};

describe("createMaildir", () => {
  it("delivers into new/ and leaves nothing behind", async () => {
    const maildir = await createMaildir(join(folder, "deep", "mail"));
    const path = await maildir.deliver(plain);
    expect(await readdir(join(maildir.path, "new"))).toEqual([basename(path)]);
    expect(await readdir(join(maildir.path, "tmp"))).toEqual([]);
    expect(await readdir(join(maildir.path, "cur"))).toEqual([]);
    expect((await stat(path)).mtime).toEqual(plain.date);
    expect(basename(path)).toMatch(/^1793615400\.[0-9a-f-]+\.example$/);
  });

  it("takes a folder that is there, with what it holds", async () => {
    const first = await createMaildir(folder);
    await first.deliver(plain);
    const second = await createMaildir(folder);
    await second.deliver(plain);
    expect(await readdir(join(folder, "new"))).toHaveLength(2);
  });

  it("delivers raw bytes as they are", async () => {
    const maildir = await createMaildir(folder);
    const bytes = Uint8Array.from([0xff, 0x00, 0x0a, 0xc3]);
    expect(await readFile(await maildir.deliver(bytes))).toEqual(Buffer.from(bytes));
    expect(await readFile(await maildir.deliver("no header at all"), "utf8")).toBe(
      "no header at all",
    );
  });
});

describe("formatMail", () => {
  it("writes what a parser reads back", async () => {
    const mail = await PostalMime.parse(formatMail(plain));
    expect(mail.from).toMatchObject({ name: "Ann Example", address: "ann@example.com" });
    expect(mail.to).toMatchObject([{ address: "me@example.com" }]);
    expect(mail.subject).toBe("Lunch?");
    expect(mail.date).toBe("2026-11-02T10:30:00.000Z");
    expect(mail.messageId).toMatch(/^<[0-9a-f-]+@mail\.example\.com>$/);
    expect(mail.text?.replaceAll("\r\n", "\n").trimEnd()).toBe(plain.text);
  });

  it("keeps words of any script, of any length, in every place", async () => {
    const subject = `Grüße aus Köln ${"日本語の件名です🦀".repeat(30)} end`;
    const mail = await PostalMime.parse(
      formatMail({
        from: "Jürgen Müller <jm@example.com>",
        to: ["Ольга <olga@example.com>", '"Doe, Jane" <jane@example.com>'],
        subject,
        text: "Schöne Grüße 🦀\n" + "long ".repeat(400),
        html: "<p>Schöne <b>Grüße</b></p>",
        headers: { "X-Note": `plain ${"word ".repeat(60)}end`, "List-Id": "<news.example.com>" },
        attachments: [
          { filename: "rück'blick (1).txt", content: "größer", contentType: "text/plain" },
          { filename: "raw.bin", content: Uint8Array.from([0, 255, 10, 13]) },
        ],
      }),
      { attachmentEncoding: "arraybuffer" },
    );
    expect(mail.from).toMatchObject({ name: "Jürgen Müller", address: "jm@example.com" });
    expect(mail.to).toMatchObject([
      { name: "Ольга", address: "olga@example.com" },
      { name: "Doe, Jane", address: "jane@example.com" },
    ]);
    expect(mail.subject).toBe(subject);
    expect(mail.text).toContain("Schöne Grüße 🦀");
    expect(mail.text).toContain("long ".repeat(400).trim());
    expect(mail.html).toContain("<p>Schöne <b>Grüße</b></p>");
    expect(mail.headers.find(({ key }) => key === "x-note")?.value).toBe(
      `plain ${"word ".repeat(60)}end`,
    );
    const [text, raw] = mail.attachments;
    expect(text).toMatchObject({ filename: "rück'blick (1).txt", mimeType: "text/plain" });
    expect(Buffer.from(text?.content as ArrayBuffer).toString()).toBe("größer");
    expect(new Uint8Array(raw?.content as ArrayBuffer)).toEqual(Uint8Array.from([0, 255, 10, 13]));
  });

  it("keeps to the lines that the standard allows", () => {
    const raw = formatMail({
      ...plain,
      subject: "Ä".repeat(300),
      text: "x".repeat(5_000),
      headers: { "X-Note": "word ".repeat(100) },
    });
    const lines = raw.split("\r\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78);
    expect(raw.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(raw).toMatch(/^[\t\r\n\x20-\x7e]*$/);
  });

  it("lets no value write a header of its own", async () => {
    const mail = await PostalMime.parse(
      formatMail({
        ...plain,
        subject: "Hi\r\nX-Evil: yes",
        headers: { "X-Note": "a\nBcc: b@c.d" },
      }),
    );
    expect(mail.headers.map(({ key }) => key)).not.toContain("x-evil");
    expect(mail.bcc ?? []).toEqual([]);
    expect(mail.subject).toBe("Hi X-Evil: yes");
  });

  it("takes a header of yours in place of its own", async () => {
    const mail = await PostalMime.parse(
      formatMail({ ...plain, headers: { date: "not a date", "Message-Id": "<one@example.com>" } }),
    );
    expect(mail.messageId).toBe("<one@example.com>");
    expect(mail.headers.filter(({ key }) => key === "date")).toHaveLength(1);
  });
});
