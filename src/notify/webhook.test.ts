import { createHmac } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { startHttpReceiver, type HttpReceiver } from "../../tests/servers/http-receiver.ts";
import { message, never, openChannel } from "./channel-fixture.ts";

let server: HttpReceiver | undefined;
afterEach(() => server?.[Symbol.asyncDispose]());

const key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async function open(secret = `whsec_${key}`) {
  server = await startHttpReceiver();
  return { server, ...openChannel("webhook", { url: `${server.origin}/hook`, secret }) };
}

/** As a receiver does it that knows nothing of us. */
function verified({ requests }: HttpReceiver, secret: string | Buffer) {
  return requests.map(({ headers, body }) => {
    const id = String(headers["webhook-id"]);
    const timestamp = String(headers["webhook-timestamp"]);
    const expected = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`);
    const given = String(headers["webhook-signature"]).split(" ");
    const isGood = given.includes(`v1,${expected.digest("base64")}`);
    return { id, timestamp: Number(timestamp), isGood, body: JSON.parse(body) as unknown };
  });
}

it("posts the message as JSON, signed", async () => {
  const { server, channel, clock } = await open();
  await channel.deliver(message, never);
  expect(server.requests[0]).toMatchObject({
    ...{ method: "POST", path: "/hook" },
    headers: { "content-type": "application/json" },
  });
  expect(verified(server, Buffer.from(key, "base64"))).toEqual([
    {
      id: "12-test-mwt09cg0-wk0123456789-host-example",
      timestamp: clock.now() / 1_000,
      isGood: true,
      body: {
        type: "notification.finding",
        timestamp: "2026-11-23T08:30:00.000Z",
        data: {
          ...{ kind: "finding", severity: "critical", title: "api is down", body: message.body },
          ...{ why: message.why, thread: "finding-1", links: message.links },
        },
      },
    },
  ]);
});

it("signs with any text as well", async () => {
  const secret = "a sentence that is long enough";
  const { server, channel } = await open(secret);
  await channel.deliver({ ...message, body: "grüße 🙂" }, never);
  expect(verified(server, secret)[0]?.isGood).toBe(true);
  expect(verified(server, "another key")[0]?.isGood).toBe(false);
});

it("has one id for all attempts, and another for each message, time and watch", async () => {
  const { server, channel, clock } = await open();
  await channel.deliver(message, never);
  await clock.advance(60_000);
  await channel.deliver(message, never);
  await channel.deliver({ ...message, key: "13-test" }, never);
  await channel.deliver({ ...message, at: message.at + 1 }, never);
  const seen = verified(server, Buffer.from(key, "base64"));
  expect(new Set(seen.map(({ id }) => id)).size).toBe(3);
  expect(seen[0]?.id).toBe(seen[1]?.id);
  expect(Number(seen[1]?.timestamp) - Number(seen[0]?.timestamp)).toBe(60);
  expect(seen.every(({ id, isGood }) => isGood && !id.includes("."))).toBe(true);
});
