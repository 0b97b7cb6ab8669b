import { afterEach, expect, it } from "vitest";
import { startSlackServer, type SlackServer } from "../../tests/servers/slack.ts";
import { message, never, openChannel } from "./channel-fixture.ts";

let server: SlackServer | undefined;
afterEach(() => server?.[Symbol.asyncDispose]());

async function open() {
  server = await startSlackServer();
  return { server, ...openChannel("slack", { url: server.url }) };
}

it("posts a heading, plain text and buttons that open a page", async () => {
  const { server, channel } = await open();
  await channel.deliver(message, never);
  expect(server.posts).toEqual([
    {
      text: "critical: api is down",
      shown: [
        "critical: api is down",
        "services/api, finding 1\n\nIt answers 503.\n\nwhy now: critical: told at once",
      ],
      buttons: message.links,
    },
  ]);
});

it("shows markup as the text that it is, and calls nobody", async () => {
  const { server, channel } = await open();
  const hostile = "<!channel> &lt;@U123&gt; <https://evil.example|your bank> *bold* :skull:";
  await channel.deliver({ ...message, title: hostile, body: hostile }, never);
  const [post] = server.posts;
  expect(post?.text).toBe(`critical: ${hostile}`);
  expect(post?.shown.join("\n")).toContain(hostile);
});

it("gives a long title whole, and a long text in sections until it is cut", async () => {
  const { server, channel } = await open();
  const title = "t".repeat(300);
  const line = `${"0123456789".repeat(12)}\n`;
  await channel.deliver({ ...message, title, body: line.repeat(40) }, never);
  await channel.deliver({ ...message, title, body: "<".repeat(50_000) }, never);
  const [whole, cut] = server.posts;
  expect(whole?.shown[0]).toMatch(/^critical: t+…$/);
  expect(whole?.shown.slice(1).join("\n")).toContain(`critical: ${title}`);
  expect(
    whole?.shown
      .slice(1)
      .join("\n")
      .match(/(?:0123456789){12}/g),
  ).toHaveLength(40);
  expect(cut?.shown.at(-1)).toMatch(/… \(cut; `watchkeeper findings` has the rest\)$/);
});

it.each([
  [404, "no_service", "CHANNEL_REFUSED", false],
  [410, "channel_is_archived", "CHANNEL_REFUSED", false],
  [403, "action_prohibited", "CHANNEL_REFUSED", false],
  [500, "rollup_error", "CHANNEL_SERVER_ERROR", true],
])("takes %i %s for %s", async (status, body, code, retryable) => {
  const { server, channel } = await open();
  server.behave({ status, body, headers: { "Content-Type": "text/html" } });
  await expect(channel.deliver(message, never)).rejects.toMatchObject({
    ...{ code, retryable },
    message: expect.stringContaining(body),
  });
});
