import fc from "fast-check";
import PostalMime from "postal-mime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startHttpReceiver, type HttpReceiver } from "../../tests/servers/http-receiver.ts";
import { startNtfyServer, type NtfyServer } from "../../tests/servers/ntfy.ts";
import { startSlackServer, type SlackServer } from "../../tests/servers/slack.ts";
import { startMailServer, type MailServer } from "../../tests/servers/smtp.ts";
import { startTelegramServer, type TelegramServer } from "../../tests/servers/telegram.ts";
import { severities } from "../domain/finding.ts";
import { message, never, openChannel } from "./channel-fixture.ts";
import { fitLine, fitText } from "./fit.ts";
import { messageOf, type Message } from "./message.ts";

/** Whatever strangers have put into a message, the receivers find it well formed and within their limits. */

let ntfy: NtfyServer;
let slack: SlackServer;
let telegram: TelegramServer;
let webhook: HttpReceiver;
let mail: MailServer;
beforeAll(async () => {
  ntfy = await startNtfyServer();
  slack = await startSlackServer();
  telegram = await startTelegramServer();
  webhook = await startHttpReceiver();
  mail = await startMailServer();
});
afterAll(async () => {
  for (const server of [ntfy, slack, telegram, webhook]) await server[Symbol.asyncDispose]();
  await mail.stop();
});

const nasty = fc.constantFrom(
  ...["\r\nBcc: eve@example.com\r\n\r\n", "\0", "\u0085", "\u2028", "\u202e", "\ufeff"],
  ...[
    "<!channel>",
    "&lt;",
    "`$(id)`",
    '"}],"x":[{"',
    "\\",
    "=?utf-8?q?x?=",
    "\r\n.\r\nMAIL FROM:<a>",
  ],
  ...["\ud83d", "\udc00", "👨‍👩‍👧‍👦", "e\u0301\u0302", "ﷺ", " \n \n ", "\t"],
);
const text = (maxLength: number) =>
  fc
    .array(
      fc
        .oneof(nasty, fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }))
        .chain((part) => fc.integer({ min: 1, max: 60 }).map((times) => part.repeat(times))),
      { maxLength },
    )
    .map((parts) => parts.join(""));

const hostile: fc.Arbitrary<Message> = fc
  .record({
    title: text(4),
    body: text(60),
    why: text(4),
    severity: fc.constantFrom(...severities),
    kind: fc.constantFrom("finding", "recovery", "digest", "notice"),
  })
  .map((parts) =>
    messageOf(
      {
        ...{ id: 7, runId: null, findings: [1], state: "ready", createdAt: message.at, dueAt: 0 },
        ...parts,
        title: parts.title.trim() || "untitled",
      },
      { key: "7-test", extras: { links: message.links, replyToken: null } },
    ),
  )
  .filter(({ title }) => title !== "");

it("by ntfy, Slack, Telegram and a webhook", async () => {
  const channels = [
    openChannel("ntfy", { server: ntfy.origin, topic: "watch" }),
    openChannel("slack", { url: slack.url }),
    openChannel("telegram", { token: telegram.token, chatId: 1, apiUrl: telegram.origin }),
    openChannel("webhook", { url: webhook.origin, secret: "a sentence that is long enough" }),
  ];
  await fc.assert(
    fc.asyncProperty(hostile, async (each) => {
      for (const { channel } of channels) await channel.deliver(each, never);
      expect(ntfy.shown.at(-1)?.actions).toHaveLength(2);
      expect(slack.posts.at(-1)?.buttons).toEqual(message.links);
      expect(telegram.sent.at(-1)?.reply_markup?.inline_keyboard.flat()).toHaveLength(2);
      const { data } = JSON.parse(webhook.requests.at(-1)?.body ?? "") as { data: Message };
      expect(data).toMatchObject({ title: each.title, body: each.body, why: each.why });
    }),
    { numRuns: 60 },
  );
});

it("by mail, with our headers and no other", async () => {
  const { channel } = openChannel("email", {
    smtp: { host: "127.0.0.1", port: mail.port, secure: false },
    ...{ from: "watch@example.com", to: "me@example.com" },
  });
  await fc.assert(
    fc.asyncProperty(hostile, async (each) => {
      mail.received.length = 0;
      await channel.deliver(each, never);
      expect(mail.received.map(({ to }) => to)).toEqual([["me@example.com"]]);
      const raw = mail.received[0]?.raw ?? Buffer.alloc(0);
      const [head = ""] = raw.toString("latin1").split("\r\n\r\n");
      const names = head.split("\r\n").flatMap((line) => /^([\w-]+):/.exec(line)?.[1] ?? []);
      expect(names.filter((name) => name !== "Importance").sort()).toEqual([
        ...["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From"],
        ...["In-Reply-To", "MIME-Version", "Message-ID", "References", "Subject", "To"],
        "X-Auto-Response-Suppress",
      ]);
      for (const line of head.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
      const parsed = await PostalMime.parse(raw);
      expect(parsed.attachments).toEqual([]);
      expect(parsed.html).toBeUndefined();
      expect(parsed.text).toContain(each.body);
    }),
    { numRuns: 25 },
  );
});

it("whatever is cut stays within its limit, is a beginning, and breaks no sign", () => {
  const fit = fc.constantFrom(fitText, fitLine);
  fc.assert(
    fc.property(text(30), fc.integer({ min: 100, max: 3_000 }), fit, (whole, limit, cut) => {
      const given = whole.toWellFormed();
      const fits = (part: string) => Buffer.byteLength(part) <= limit;
      const fitted = cut(given, fits);
      expect(fits(fitted)).toBe(true);
      expect(fitted.isWellFormed()).toBe(true);
      if (fits(given)) expect(fitted).toBe(given);
      else expect(given.startsWith(fitted.replace(/\n?…[^…]*$/, ""))).toBe(true);
    }),
  );
});
