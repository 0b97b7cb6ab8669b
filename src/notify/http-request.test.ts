import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../tests/servers/free-port.ts";
import { startHttpReceiver, type HttpReceiver } from "../../tests/servers/http-receiver.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { never } from "./channel-fixture.ts";
import { DeliveryError } from "./delivery-error.ts";
import { httpRequest } from "./http-request.ts";

let receiver: HttpReceiver;
beforeAll(async () => {
  receiver = await startHttpReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

const secret = "s3cret-Passw0rd";
const now = Date.parse("2026-11-23T08:30:00Z");

function send(address: string, { clock = new FakeClock(now), signal = never } = {}) {
  const url = new URL(address, receiver.origin);
  return httpRequest(
    { channel: "webhook", url, body: "grüße", secrets: [secret] },
    { clock, signal },
  );
}

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error: unknown = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeliveryError) return error;
  throw new Error("it did not fail as a delivery does", { cause: error });
}

/** A server that speaks no HTTP. */
async function rawServer(onConnection: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.dispose]: () => void server.close() };
}

it("sends the body whole and with its length, and gives back the answer", async () => {
  receiver.behave({ status: 201, body: "thanks" });
  const answer = await send("/hook?a=b");
  expect(answer).toMatchObject({ status: 201, text: "thanks", isWhole: true });
  expect(receiver.requests.at(-1)).toMatchObject({
    ...{ method: "POST", path: "/hook?a=b", body: "grüße" },
    headers: { "content-length": "7", connection: "close", "user-agent": "watchkeeper" },
  });
});

it("takes the word of success, also when the rest of the answer is cut or without end", async () => {
  receiver.behave("half");
  expect(await send("/")).toMatchObject({ status: 200, isWhole: false });
  receiver.behave({ status: 200, body: "x".repeat(2_000_000) });
  const { text, isWhole } = await send("/");
  expect([text.length, isWhole]).toEqual([512 * 1024, false]);
});

describe("what certainly was not sent", () => {
  it("is what nobody listens for", async () => {
    const error = await failure(send(`http://127.0.0.1:${await freePort()}/`));
    expect(error).toMatchObject({
      ...{ code: "CHANNEL_UNREACHABLE", outcome: "not-sent", retryable: true },
      message: expect.stringContaining("nothing listens there"),
    });
  });

  it("is what goes to a name that nobody knows", async () => {
    const error = await failure(send("http://watchkeeper.invalid/"));
    expect(error).toMatchObject({ outcome: "not-sent", retryable: true });
  });

  it("is what needs TLS where there is none, or where it is cut before it stands", async () => {
    const error = await failure(send(receiver.origin.replace("http:", "https:")));
    expect(error).toMatchObject({ outcome: "not-sent", retryable: true });
    using server = await rawServer((socket) => socket.once("data", () => socket.destroy()));
    const cut = await failure(send(`https://127.0.0.1:${server.port}/`));
    expect(cut).toMatchObject({ outcome: "not-sent", retryable: true });
  });

  it("is what waits for TLS until its time is over", async () => {
    const clock = new FakeClock(now);
    const greeted = Promise.withResolvers<void>();
    using server = await rawServer((socket) => socket.once("data", () => greeted.resolve()));
    const sending = failure(send(`https://127.0.0.1:${server.port}/`, { clock }));
    await greeted.promise;
    await clock.advance(20_000);
    expect(await sending).toMatchObject({ outcome: "not-sent", code: "CHANNEL_UNREACHABLE" });
  });

  it("is what was stopped before it began", async () => {
    const count = receiver.requests.length;
    const error = await failure(send("/", { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ outcome: "not-sent" });
    expect(receiver.requests).toHaveLength(count);
  });
});

describe("what nobody knows the outcome of", () => {
  it("is what was cut after the request", async () => {
    receiver.behave("cut");
    expect(await failure(send("/"))).toMatchObject({
      ...{ code: "CHANNEL_OUTCOME_UNKNOWN", outcome: "unknown" },
      message: expect.stringContaining("it hung up"),
    });
  });

  it("is what got no answer in time", async () => {
    receiver.behave("hang");
    const clock = new FakeClock(now);
    const count = receiver.requests.length;
    const sending = failure(send("/", { clock }));
    await receiver.arrived(count + 1);
    await clock.advance(20_000);
    const error = await sending;
    expect(error).toMatchObject({ outcome: "unknown" });
    expect(error.message).toContain("no answer within 20 s");
  });

  it("is what was stopped on the way", async () => {
    receiver.behave("hang");
    const stop = new AbortController();
    const count = receiver.requests.length;
    const sending = failure(send("/", { signal: stop.signal }));
    await receiver.arrived(count + 1);
    stop.abort();
    expect((await sending).message).toContain("it was stopped");
  });

  it("is what a gateway waited for in vain", async () => {
    receiver.behave({ status: 504 });
    expect(await failure(send("/"))).toMatchObject({ outcome: "unknown" });
  });

  it("is what was answered with no HTTP", async () => {
    using server = await rawServer((socket) => socket.once("data", () => socket.end("hello\n")));
    const error = await failure(send(`http://127.0.0.1:${server.port}/`));
    expect(error).toMatchObject({ outcome: "unknown" });
  });
});

it.each([
  [400, "CHANNEL_REFUSED", false],
  [401, "CHANNEL_REFUSED", false],
  [403, "CHANNEL_REFUSED", false],
  [404, "CHANNEL_REFUSED", false],
  [408, "CHANNEL_SERVER_ERROR", true],
  [410, "CHANNEL_REFUSED", false],
  [413, "CHANNEL_REFUSED", false],
  [429, "CHANNEL_BUSY", true],
  [500, "CHANNEL_SERVER_ERROR", true],
  [502, "CHANNEL_SERVER_ERROR", true],
  [503, "CHANNEL_BUSY", true],
])("takes %i for %s, worth another try: %s", async (status, code, retryable) => {
  receiver.behave({ status });
  const error = await failure(send("/"));
  expect(error).toMatchObject({ code, retryable, outcome: "not-sent", retryAt: undefined });
  expect(error.message).toContain(`answered ${status}`);
  expect(error.hint).toBeTruthy();
});

it.each([
  ["120", now + 120_000],
  ["Mon, 23 Nov 2026 08:40:00 GMT", now + 600_000],
  ["Mon, 23 Nov 2026 08:00:00 GMT", now],
  ["9999999999", now + 6 * 3_600_000],
  ["soon", undefined],
])("waits as long as Retry-After: %s says, within bounds", async (value, retryAt) => {
  for (const status of [429, 503]) {
    receiver.behave({ status, headers: { "Retry-After": value } });
    expect((await failure(send("/"))).retryAt).toBe(retryAt);
  }
});

it("follows no redirect, and does not say where it leads", async () => {
  receiver.behave({ status: 307, headers: { Location: `${receiver.origin}/private-place` } });
  const count = receiver.requests.length;
  const error = await failure(send("/"));
  expect(error).toMatchObject({ code: "CHANNEL_REDIRECTED", retryable: false });
  expect(`${error.message} ${error.hint}`).not.toContain("private-place");
  expect(receiver.requests).toHaveLength(count + 1);
});

it.each([
  ["the words of JSON", `{"error": "topic is taken"}`, "topic is taken"],
  ["plain words, on one line", "no\r\n\u202Eservice", "no service"],
  ["nothing of a page", "<!doctype html><h1>Login</h1>", ""],
  ["nothing of other JSON", `{"ok": false}`, ""],
  ["no secret that it repeats", `"${secret}" is wrong`, `"[secret]" is wrong`],
])("repeats of an answer %s", async (_what, body, said) => {
  receiver.behave({ status: 400, body });
  const { message } = await failure(send("/"));
  const host = new URL(receiver.origin).host;
  expect(message).toBe(`webhook: ${host} answered 400${said && `: ${said}`}`);
});
