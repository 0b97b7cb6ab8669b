import { afterEach, describe, expect, it } from "vitest";
import { startNtfyServer, type NtfyOptions, type NtfyServer } from "../../tests/servers/ntfy.ts";
import { message, never, openChannel } from "./channel-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serverWith(options: NtfyOptions = {}): Promise<NtfyServer> {
  const server = await startNtfyServer(options);
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

const open = ({ origin }: NtfyServer, login: Record<string, string> = {}) =>
  openChannel("ntfy", { server: origin, topic: "watch", ...login });

it("publishes title, text, urgency and the pages that may be opened", async () => {
  const server = await serverWith();
  await open(server).channel.deliver(message, never);
  expect(server.shown).toEqual([
    {
      topic: "watch",
      title: "api is down",
      message: "services/api, finding 1\n\nIt answers 503.\n\nwhy now: critical: told at once",
      priority: 5,
      tags: ["rotating_light"],
      sequence_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      actions: message.links.map(({ label, url }) => ({ action: "view", label, url, clear: true })),
      time: 0,
    },
  ]);
});

it.each([
  ["info", 2],
  ["notice", 3],
  ["warning", 4],
  ["critical", 5],
] as const)("is as loud as %s is: %i; what is over never is", async (severity, priority) => {
  const server = await serverWith();
  const { channel } = open(server);
  await channel.deliver({ ...message, severity }, never);
  await channel.deliver({ ...message, severity, kind: "recovery", key: "13-test" }, never);
  expect(server.shown.map((shown) => shown.priority)).toEqual([priority, 3]);
  expect(server.shown[1]?.tags).toEqual(["white_check_mark"]);
});

it("lists links in the text when there are more than buttons", async () => {
  const server = await serverWith();
  const links = ["a", "b", "c", "d"].map((label) => ({ label, url: `https://w.example/${label}` }));
  await open(server).channel.deliver({ ...message, links }, never);
  expect(server.shown[0]?.actions).toHaveLength(3);
  expect(server.shown[0]?.message).toMatch(/\n\nd: https:\/\/w\.example\/d$/);
});

it.each([
  ["a token", { token: "tk_AgQdq7mVBoFD37zQVN29" }, "Bearer tk_AgQdq7mVBoFD37zQVN29"],
  ["user and password", { user: "mé", password: "pass:word" }, "Basic bcOpOnBhc3M6d29yZA=="],
])("logs in with %s", async (_what, login, authorization) => {
  const server = await serverWith({ authorization });
  await open(server, login).channel.deliver(message, never);
  expect(server.shown).toHaveLength(1);
  await expect(open(server).channel.deliver(message, never)).rejects.toMatchObject({
    ...{ code: "CHANNEL_REFUSED", retryable: false },
  });
});

describe("a text that is too long", () => {
  it.each([
    ["of simple letters", "a long story ".repeat(4_000)],
    ["of signs with several bytes", "größer 🙂 👨‍👩‍👧‍👦 ".repeat(2_000)],
    ["of signs that are escaped", '"\\\n'.repeat(10_000)],
  ])("%s is cut between characters, and says so", async (_what, body) => {
    const server = await serverWith();
    await open(server).channel.deliver({ ...message, body, title: "ü".repeat(300) }, never);
    const [shown] = server.shown;
    expect(shown?.message).toMatch(/… \(cut; `watchkeeper findings` has the rest\)$/);
    expect(shown?.title).toMatch(/^ü+…$/);
    expect(shown?.message).toContain("ü".repeat(300));
    expect(shown?.message.isWellFormed()).toBe(true);
  });

  it("is cut sooner when the request would be too long with all that is escaped in it", async () => {
    const server = await serverWith();
    await open(server).channel.deliver({ ...message, body: '"\\\n'.repeat(10_000) }, never);
    const size = Buffer.byteLength(server.requests[0]?.body ?? "");
    expect(size).toBeGreaterThan(8_100);
    expect(size).toBeLessThanOrEqual(8_192);
  });
});

describe("a repeat", () => {
  it("takes the place of the first, and is another message of another watch or time", async () => {
    const server = await serverWith();
    const { channel } = open(server);
    await channel.deliver(message, never);
    await channel.deliver(message, never);
    expect(server.shown).toHaveLength(1);
    await channel.deliver({ ...message, at: message.at + 1 }, never);
    const settings = { server: server.origin, topic: "watch" };
    const other = openChannel("ntfy", settings, { origin: "wk99.host.example" });
    await other.channel.deliver(message, never);
    expect(server.shown).toHaveLength(3);
  });
});

describe.for([{ knowsSequences: true }, { knowsSequences: false }])(
  "asked whether it has a message (knows sequences: $knowsSequences)",
  ({ knowsSequences }) => {
    it("finds the very message", async () => {
      const now = () => message.at / 1_000;
      const server = await serverWith({ knowsSequences, now });
      const { channel } = open(server);
      const ask = (about: typeof message, since = message.at) =>
        channel.confirm?.(about, { since, signal: never });
      expect(await ask(message)).toBe("not-sent");
      await channel.deliver(message, never);
      expect(await ask(message)).toBe("sent");
      expect(await ask({ ...message, key: "13-test", body: "another" })).toBe("not-sent");
      // Clocks differ by a little; what came long before was another attempt.
      expect(await ask(message, message.at + 60_000)).toBe("sent");
      expect(await ask(message, message.at + 3_600_000)).toBe("not-sent");
    });
  },
);

it("cannot tell when it may not read, when the server is gone, or when it was stopped", async () => {
  const server = await serverWith();
  const { channel } = open(server);
  const ask = (signal = never) => channel.confirm?.(message, { since: message.at, signal });
  for (const how of [{ status: 403 }, { status: 500 }, "cut", "half"] as const) {
    server.behave(how);
    expect(await ask()).toBeUndefined();
  }
  expect(await ask(AbortSignal.abort())).toBeUndefined();
});

it("passes over what is no message of ours", async () => {
  const server = await serverWith();
  server.behave({ status: 200, body: 'null\n{"event":"open"}\nnot json\n{"event":"message"}\n' });
  const { channel } = open(server);
  expect(await channel.confirm?.(message, { since: 0, signal: never })).toBe("not-sent");
});
