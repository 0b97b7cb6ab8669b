import { afterEach, expect, it } from "vitest";
import { jsonAnswer } from "../../tests/servers/http-receiver.ts";
import { startTelegramServer, type TelegramServer } from "../../tests/servers/telegram.ts";
import { message, never, openChannel } from "./channel-fixture.ts";

let server: TelegramServer | undefined;
afterEach(() => server?.[Symbol.asyncDispose]());

async function open(chatId: string | number = -100_123) {
  server = await startTelegramServer();
  const settings = { token: server.token, chatId, apiUrl: `${server.origin}/` };
  return { server, ...openChannel("telegram", settings) };
}

it("sends plain text without previews, and buttons that open a page", async () => {
  const { server, channel } = await open();
  await channel.deliver(message, never);
  expect(server.sent).toEqual([
    {
      chat_id: -100_123,
      text: "critical: api is down\n\nservices/api, finding 1\n\nIt answers 503.\n\nwhy now: critical: told at once",
      link_preview_options: { is_disabled: true },
      reply_markup: {
        inline_keyboard: [message.links.map(({ label, url }) => ({ text: label, url }))],
      },
    },
  ]);
});

it("makes no sound for information", async () => {
  const { server, channel } = await open("@watch");
  await channel.deliver({ ...message, severity: "info" }, never);
  expect(server.sent[0]).toMatchObject({ chat_id: "@watch", disable_notification: true });
});

it("lists links that Telegram takes for none in the text, whole whatever is cut", async () => {
  const { server, channel } = await open();
  const links = [
    { label: "Show", url: "http://localhost:7373/findings/1" },
    { label: "Approve", url: "http://127.0.0.1:7373/word/a" },
    { label: "Later", url: "http://nas.home.arpa:7373/word/c" },
    { label: "Deny", url: "https://watch.example.com/word/b" },
  ];
  await channel.deliver({ ...message, links, body: "🙂".repeat(5_000) }, never);
  const [sent] = server.sent;
  expect(sent?.text).toMatch(
    /🙂\n… \(cut; .+\)\n\nShow: http:\/\/localhost:7373\/findings\/1\nApprove: http:\/\/127\.0\.0\.1:7373\/word\/a\nLater: http:\/\/nas\.home\.arpa:7373\/word\/c$/,
  );
  expect(sent?.text.isWellFormed()).toBe(true);
  expect(sent?.reply_markup?.inline_keyboard).toEqual([
    [{ text: "Deny", url: "https://watch.example.com/word/b" }],
  ]);
});

it("waits for as long as Telegram says in its answer", async () => {
  const { server, channel, clock } = await open();
  const parameters = { retry_after: 35 };
  const description = "Too Many Requests: retry after 35";
  server.behave(jsonAnswer(429, { ok: false, error_code: 429, description, parameters }));
  await expect(channel.deliver(message, never)).rejects.toMatchObject({
    ...{ code: "CHANNEL_BUSY", retryAt: clock.now() + 35_000 },
    message: expect.stringContaining(description),
  });
});

it("says what Telegram says, without the token that an address holds", async () => {
  const { server } = await open();
  const wrong = "1234:AAwrong-token-of-another-bot";
  const { channel } = openChannel("telegram", {
    ...{ token: wrong, chatId: 1, apiUrl: server.origin },
  });
  const error: unknown = await channel.deliver(message, never).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CHANNEL_REFUSED", retryable: false });
  expect(String(error)).toContain("Unauthorized");
  expect(String(error)).not.toContain("AAwrong");
});
