import { describe, expect, it } from "vitest";
import { parseWhole } from "./message.ts";
import { receivedMail } from "./received-mail.ts";

const read = async (lines: readonly string[], body = "approve\n") => {
  const source = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
  const stored = { source, size: source.length, arrivedAt: 0, place: { file: "1" } };
  return receivedMail(await parseWhole(stored, 10));
};
const base = [
  "From: Me <me@example.com>",
  "Subject: Re: your word",
  "Message-ID: <r1@example.com>",
];

describe("what the daemon is told of a mail", () => {
  it("is all of its ids, its subject and its text, uncut", async () => {
    const body = `approve\n\n> ${"long ".repeat(10_000)}\n`;
    const lines = [...base, "In-Reply-To: <a@b>", "References: <first@b>\r\n <a@b>"];
    expect(await read(lines, body)).toEqual({
      messageId: "r1@example.com",
      inReplyTo: ["a@b"],
      references: ["first@b", "a@b"],
      subject: "Re: your word",
      text: body,
      isPlain: true,
      signature: undefined,
      provenSender: undefined,
      isAutomatic: false,
    });
  });

  const alternative = (...parts: [type: string, text: string][]) =>
    [
      ...parts.flatMap(([type, text]) => ["--x", `Content-Type: ${type}`, "", text]),
      "--x--",
      "",
    ].join("\r\n");
  const multipart = (kind: string) => [...base, `Content-Type: multipart/${kind}; boundary=x`];

  it("is the plain text where there is HTML beside it, and that it is not all", async () => {
    const body = alternative(["text/plain", "approve"], ["text/html", "<p>deny</p>"]);
    expect(await read(multipart("alternative"), body)).toMatchObject({ isPlain: false });
    expect((await read(multipart("alternative"), body)).text.trim()).toBe("approve");
  });

  it("is what the HTML says where there is nothing else", async () => {
    const html = "<div>approve</div><blockquote>asked: wk1</blockquote>";
    const { text, isPlain } = await read([...base, "Content-Type: text/html"], html);
    expect(text.split("\n")[0]).toBe("approve");
    expect(isPlain).toBe(false);
    const empty = alternative(["text/plain", " "], ["text/html", "<p>deny</p>"]);
    expect((await read(multipart("alternative"), empty)).text).toBe("deny");
  });

  it.each([
    ["an attachment", "application/pdf; name=a.pdf"],
    ["an invitation", "text/calendar"],
    ["a picture", "image/png"],
  ])("is that %s beside the text is not all", async (_, type) => {
    const body = alternative(["text/plain", "approve"], [type, "x"]);
    expect((await read(multipart("mixed"), body)).isPlain).toBe(false);
  });

  it("is its signature, unless there is more than one", async () => {
    const signed = [...base, "X-Watchkeeper-Signature: abc"];
    expect((await read(signed)).signature).toBe("abc");
    expect((await read([...signed, "X-Watchkeeper-Signature: def"])).signature).toBeUndefined();
  });
});

describe("a mail was written by a person", () => {
  it.each([
    ["without any such header", []],
    ["that says that it was not automatic", ["Auto-Submitted: no"]],
    ["that says so with a comment", ["Auto-Submitted: no (a person)"]],
    ["of first class", ["Precedence: first-class"]],
    ["with an envelope sender", ["Return-Path: <me@example.com>"]],
  ])("%s", async (_, headers) => {
    expect((await read([...base, ...headers])).isAutomatic).toBe(false);
  });
});

describe("a mail is a machine's or a list's", () => {
  it.each([
    ["Auto-Submitted: auto-replied"],
    ["Auto-Submitted: auto-generated; owner-email=me@example.com"],
    ["Auto-Submitted: nobody-knows"],
    ["Auto-Submitted: no\r\nAuto-Submitted: auto-replied"],
    ["Precedence: bulk"],
    ["Precedence: Auto_reply"],
    ["Precedence: list"],
    ["Return-Path: <>"],
    ["Content-Type: multipart/report; report-type=delivery-status; boundary=x"],
    ["List-Id: <team.example.com>"],
    ["List-Post: <mailto:team@example.com>"],
    ["List-Unsubscribe: <https://example.com/>"],
    ["X-Mailing-List: team"],
    ["Mailing-List: team"],
    ["X-BeenThere: team@example.com"],
    ["X-Autoreply: yes"],
  ])("by %j", async (header) => {
    expect((await read([...base, header])).isAutomatic).toBe(true);
  });
});
