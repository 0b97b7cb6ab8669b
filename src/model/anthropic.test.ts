import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { startScriptedModel, type ModelScript } from "../testing/scripted-model.ts";
import {
  callTools,
  fault,
  heldUntil,
  report,
  text,
  type ScriptedReply,
} from "../testing/scripted-reply.ts";
import { anthropicModel, type AnthropicModelOptions } from "./anthropic.ts";
import type { ModelFailureKind, ModelReply, ModelRequest } from "./port.ts";

const apiKey = "sk-test-0123456789";

const request: ModelRequest = {
  system: [{ type: "text", text: "You keep watch.", cache_control: { type: "ephemeral" } }],
  tools: [{ name: "inbox_send", description: "Sends.", input_schema: { type: "object" } }],
  messages: [{ role: "user", content: "What is new?" }],
  maxTokens: 1_000,
};

async function ask(
  script: ModelScript,
  options: Partial<AnthropicModelOptions> = {},
): Promise<ModelReply> {
  await using server = await startScriptedModel(script);
  const model = anthropicModel({
    model: "claude-sonnet-5-5",
    apiKey,
    baseUrl: server.baseUrl,
    ...options,
  });
  return await model.complete(request, { signal: new AbortController().signal });
}

function failure(reply: ModelReply) {
  if (reply.ok) throw new Error(`a failure was expected, not ${JSON.stringify(reply.content)}`);
  return reply.failure;
}

/** A server that answers as it is told, for what the scripted model does not say. */
async function startServer(answer: (write: ServerResponse) => void) {
  const server = createServer((_incoming, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const eventStream = (...events: object[]): string =>
  events
    .map(
      (event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`,
    )
    .join("");

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a complete reply", () => {
  it("gives text, thinking and tool calls as they were said, with what they used", async () => {
    const reply = await ask([
      callTools([{ name: "inbox_send", input: { to: ["ann@example.com"] } }], {
        text: "I will send it.",
        thinking: "Ann waits.",
        model: "claude-sonnet-5-5-20260901",
        usage: {
          inputTokens: 12,
          outputTokens: 34,
          cacheReadTokens: 56,
          cacheWriteTokens: 78,
          cacheWriteHourTokens: 70,
        },
      }),
    ]);
    expect(reply).toEqual({
      ok: true,
      model: "claude-sonnet-5-5-20260901",
      stopReason: "tool_use",
      content: [
        { type: "thinking", thinking: "Ann waits.", signature: "c2lnbmVk" },
        { type: "text", text: "I will send it.", citations: null },
        {
          type: "tool_use",
          id: "toolu_1_2",
          name: "inbox_send",
          input: { to: ["ann@example.com"] },
        },
      ],
      usage: {
        inputTokens: 12,
        outputTokens: 34,
        cacheReadTokens: 56,
        cacheWriteTokens: 78,
        cacheWriteHourTokens: 70,
      },
      durationMs: expect.any(Number) as number,
    });
  });

  it("goes back into the next request as it came", async () => {
    await using server = await startScriptedModel([
      callTools([{ name: "inbox_send", input: {} }], { thinking: "Hm." }),
      text("Done."),
    ]);
    const model = anthropicModel({ model: "claude-sonnet-5-5", apiKey, baseUrl: server.baseUrl });
    const { signal } = new AbortController();
    const first = await model.complete(request, { signal });
    if (!first.ok) throw new Error(first.failure.message);
    const second = await model.complete(
      {
        ...request,
        messages: [
          ...request.messages,
          { role: "assistant", content: first.content },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: "toolu_1_1", content: "sent" }],
          },
        ],
      },
      { signal },
    );
    expect(second).toMatchObject({ ok: true, stopReason: "end_turn" });
    expect(server.conversations()).toHaveLength(1);
  });

  it("without any word on usage is marked as partial and not as free", async () => {
    await using server = await startServer((response) => {
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .end(
          eventStream(
            { type: "message_start", message: { model: "local" } },
            { type: "content_block_start", index: 0, content_block: { type: "text", text: "Hi" } },
            { type: "content_block_stop", index: 0 },
            { type: "message_delta", delta: { stop_reason: "end_turn" } },
            { type: "message_stop" },
          ),
        );
    });
    const model = anthropicModel({ model: "local", baseUrl: server.baseUrl });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(reply).toMatchObject({
      ok: true,
      content: [{ type: "text", text: "Hi" }],
      usage: { inputTokens: 0, outputTokens: 0, partial: true },
    });
  });

  it.each([
    ["out of tokens in the middle of a tool call", fault.maxTokens()],
    ["out of tokens after a tool call that happens to be whole", fault.maxTokensAfterWholeCall()],
    [
      "ending its turn beside a tool call",
      { ...callTools([{ name: "inbox_send", input: {} }]), stopReason: "end_turn" },
    ],
  ] satisfies [string, ScriptedReply][])("%s holds no tool call", async (_name, said) => {
    const reply = await ask([said]);
    expect(reply.ok && reply.stopReason).toMatch(/max_tokens|end_turn/);
    expect(JSON.stringify(reply)).not.toContain("inbox_send");
  });
});

describe("a fault is a value of the right kind, and no tool call comes through", () => {
  const idleTimeoutMs = 300;
  const duplicateCalls: ScriptedReply = {
    kind: "body",
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8" },
    body: eventStream(
      { type: "message_start", message: { model: "m" } },
      ...[0, 1].flatMap((index) => [
        {
          type: "content_block_start",
          index,
          content_block: { type: "tool_use", id: "same", name: "inbox_send", input: {} },
        },
        { type: "content_block_stop", index },
      ]),
      { type: "message_delta", delta: { stop_reason: "tool_use" } },
      { type: "message_stop" },
    ),
  };
  const sse = (body: string): ScriptedReply => ({
    kind: "body",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    body,
  });

  it.each([
    ["401", fault.status(401), "auth", /HTTP 401 authentication_error/],
    ["403", fault.status(403), "auth", /HTTP 403/],
    ["402", fault.status(402), "spend-limit", /HTTP 402/],
    ["429", fault.status(429), "rate-limited", /HTTP 429 rate_limit_error.*req_scripted/],
    [
      "429 at the spend limit",
      fault.status(429, { errorCode: "enforced_spend_limit_reached" }),
      "spend-limit",
      /HTTP 429/,
    ],
    [
      "400 without credit",
      fault.status(400, { message: "Your credit balance is too low to access the API." }),
      "spend-limit",
      /credit balance/,
    ],
    ["500", fault.status(500), "overloaded", /HTTP 500 api_error/],
    ["503", fault.status(503), "overloaded", /HTTP 503/],
    ["529", fault.status(529), "overloaded", /HTTP 529 overloaded_error/],
    ["504", fault.status(504), "timeout", /HTTP 504/],
    ["413", fault.status(413), "too-long", /HTTP 413/],
    [
      "400 for a long prompt",
      fault.status(400, { message: "prompt is too long: 210000 tokens > 200000 maximum" }),
      "too-long",
      /210000/,
    ],
    ["400", fault.status(400, { message: "tools.0: bad schema" }), "rejected", /tools\.0: bad/],
    ["404", fault.status(404, { message: "model: nope" }), "rejected", /HTTP 404.*model: nope/],
    ["refusal", fault.refusal("Not this."), "refusal", /Not this\./],
    ["a web page", fault.html(), "bad-reply", /text\/html.*"Sign in"/],
    ["an empty object", fault.emptyObject(), "bad-reply", /application\/json.*\{\}/],
    ["a tool call that does not parse", fault.badToolJson(), "bad-reply", /not valid JSON/],
    ["two tool calls with one id", duplicateCalls, "bad-reply", /same id/],
    [
      "an event that is not JSON",
      sse("event: message_start\ndata: {oops\n\n"),
      "bad-reply",
      /JSON/,
    ],
    ["events without a name", sse('data: {"type":"message_start"}\n\n'), "bad-reply", /no event/],
    ["an event out of order", sse(eventStream({ type: "message_stop" })), "bad-reply", /before/],
    [
      "an unknown stop reason",
      { ...text("Hi"), stopReason: "bored" },
      "bad-reply",
      /stop reason "bored"/,
    ],
    [
      "a tool_use stop without a call",
      { ...text("Hi"), stopReason: "tool_use" },
      "bad-reply",
      /none/,
    ],
    [
      "a full context window",
      { ...text("Hi"), stopReason: "model_context_window_exceeded" },
      "too-long",
      /context window/,
    ],
    ["a reset connection", fault.reset(), "unreachable", /ECONNRESET|other side closed/],
    ["no answer", fault.hang(), "timeout", /no answer for 300 ms/],
    ["a silent stream without an event", fault.stallAfter(0), "cut", /fell silent/],
    ["a stream that falls silent", fault.stallAfter(4), "cut", /fell silent for 300 ms/],
    ["silence right before message_stop", fault.stallAfter(7), "cut", /fell silent/],
    ["a broken connection", fault.cutAfter(4), "cut", /terminated|other side closed/],
    ["a break before the first event", fault.cutAfter(0), "cut", /terminated|other side/],
    ["a clean end in a tool call", fault.cleanEndAfter(4), "cut", /ended before it was complete/],
    ["a clean end before message_stop", fault.cleanEndAfter(7), "cut", /ended before/],
    ["an end without any event", fault.cleanEndAfter(0), "cut", /ended before/],
    ["an overload in the stream", fault.errorEvent("overloaded_error"), "overloaded", /overloaded/],
    ["an overload after the tool call", fault.errorEvent("overloaded_error", 7), "overloaded", /./],
    ["a rate limit in the stream", fault.errorEvent("rate_limit_error"), "rate-limited", /./],
    ["a server error in the stream", fault.errorEvent("api_error"), "overloaded", /api_error/],
    ["an unknown error in the stream", fault.errorEvent("odd_error"), "cut", /odd_error/],
    [
      "an error page",
      { ...fault.html(), status: 502 } as ScriptedReply,
      "overloaded",
      /HTTP 502.*"Sign in"/,
    ],
    [
      "a redirect",
      { kind: "body", status: 307, headers: { location: "https://elsewhere.example/" }, body: "" },
      "rejected",
      /HTTP 307: redirects to https:\/\/elsewhere\.example/,
    ],
  ] satisfies [string, ScriptedReply, ModelFailureKind, RegExp][])(
    "%s",
    async (_name, said, kind, message) => {
      const reply = await ask(
        [said],
        kind === "timeout" || kind === "cut" ? { idleTimeoutMs } : {},
      );
      const { message: words, unbilled: _, ...rest } = failure(reply);
      expect({ ...rest, words }).toEqual({ kind, words: expect.stringMatching(message) as string });
      expect("content" in reply).toBe(false);
      expect(words).not.toContain(apiKey);
    },
  );

  it("has exactly the events that the table counts", async () => {
    // 8 events: with 7 of them everything is there but message_stop.
    const reply = await ask([fault.cleanEndAfter(8)]);
    expect(reply).toMatchObject({ ok: true, stopReason: "tool_use" });
  });

  it("tells how long to wait, in seconds or until a date", async () => {
    const seconds = await ask([fault.status(429, { retryAfter: 17 })]);
    expect(failure(seconds).retryAfterMs).toBe(17_000);
    const clock = new FakeClock("2026-11-02T10:00:00Z");
    const date = await ask([fault.status(529, { retryAfter: "Mon, 02 Nov 2026 10:05:00 GMT" })], {
      clock,
    });
    expect(failure(date).retryAfterMs).toBe(300_000);
  });

  it("tells what a cut reply is known to have used", async () => {
    const said = report(
      { verdicts: [], summary: "" },
      { usage: { inputTokens: 700, outputTokens: 90, cacheReadTokens: 20 } },
    );
    expect(await ask([fault.cutAfter(4, said)])).toMatchObject({
      usage: { inputTokens: 700, outputTokens: 1, cacheReadTokens: 20, partial: true },
    });
    expect(await ask([fault.cleanEndAfter(7, said)])).toMatchObject({
      usage: { inputTokens: 700, outputTokens: 90, cacheReadTokens: 20 },
    });
    expect(await ask([fault.status(500)])).not.toHaveProperty("usage");
  });

  it("says unreachable when nothing listens", async () => {
    await using server = await startServer(() => undefined);
    const { baseUrl } = server;
    await server[Symbol.asyncDispose]().catch(() => undefined);
    const model = anthropicModel({ model: "m", apiKey, baseUrl });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(failure(reply)).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("ECONNREFUSED") as string,
    });
  });

  it("says unreachable for an address that is none", async () => {
    const model = anthropicModel({ model: "m", apiKey, baseUrl: "not an address" });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(failure(reply)).toMatchObject({ kind: "unreachable" });
  });

  it("tries once: retries are the caller's", async () => {
    await using server = await startScriptedModel(() => fault.status(529, { retryAfter: 0 }));
    const model = anthropicModel({ model: "claude-sonnet-5-5", apiKey, baseUrl: server.baseUrl });
    await model.complete(request, { signal: new AbortController().signal });
    expect(server.requests).toHaveLength(1);
  });
});

describe("time", () => {
  it("ends a silent call after the idle timeout of its clock, not before", async () => {
    const clock = new FakeClock();
    await using server = await startScriptedModel([fault.stallAfter(3)]);
    const model = anthropicModel({ model: "m", apiKey, baseUrl: server.baseUrl, clock });
    const asked = model.complete(request, { signal: new AbortController().signal });
    let settled = false;
    void asked.then(() => (settled = true));
    await server.nextRequest();
    await clock.advance(44_000);
    expect(settled).toBe(false);
    // The events may have come in at any moment of the first minute.
    await clock.advance(60_000);
    await clock.advance(15_000);
    expect(failure(await asked)).toMatchObject({
      message: expect.stringMatching(/60000 ms/) as string,
    });
    expect(clock.pending).toBe(0);
  });

  it("lets a reply live as long as something comes in, pings included", async () => {
    await using server = await startServer((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(eventStream({ type: "message_start", message: { model: "m" } }));
      let pings = 0;
      const timer = setInterval(() => {
        pings += 1;
        if (pings < 13) response.write(eventStream({ type: "ping" }));
        else {
          clearInterval(timer);
          response.end(
            eventStream(
              { type: "message_delta", delta: { stop_reason: "end_turn" } },
              { type: "message_stop" },
            ),
          );
        }
      }, 100);
    });
    const model = anthropicModel({ model: "m", baseUrl: server.baseUrl, idleTimeoutMs: 1_000 });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(reply).toMatchObject({ ok: true, stopReason: "end_turn" });
    expect(reply.durationMs).toBeGreaterThan(1_200);
  });

  it("ends a reply that takes longer than a request may", async () => {
    const clock = new FakeClock();
    await using server = await startScriptedModel([fault.hang()]);
    const model = anthropicModel({
      model: "m",
      apiKey,
      baseUrl: server.baseUrl,
      clock,
      idleTimeoutMs: 100_000,
      requestTimeoutMs: 5_000,
    });
    const asked = model.complete(request, { signal: new AbortController().signal });
    await server.nextRequest();
    await clock.advance(5_000);
    const reply = await asked;
    expect(failure(reply)).toEqual({
      kind: "timeout",
      message: "no complete reply within 5000 ms",
    });
    expect(reply.durationMs).toBe(5_000);
  });

  it.each([
    ["before the answer", fault.hang()],
    ["within the answer", fault.stallAfter(3)],
    ["with the answer held back", heldUntil(new Promise(() => undefined), text("late"))],
  ])("ends at once when it is called off %s", async (_name, said) => {
    await using server = await startScriptedModel([said]);
    const model = anthropicModel({ model: "m", apiKey, baseUrl: server.baseUrl });
    const controller = new AbortController();
    const asked = model.complete(request, { signal: controller.signal });
    await server.nextRequest();
    controller.abort();
    expect(failure(await asked).kind).toBe("aborted");
  });

  it("sends nothing when it is called off already", async () => {
    await using server = await startScriptedModel(() => text("Hi"));
    const model = anthropicModel({ model: "m", apiKey, baseUrl: server.baseUrl });
    const reply = await model.complete(request, { signal: AbortSignal.abort() });
    expect(failure(reply).kind).toBe("aborted");
    expect(server.requests).toHaveLength(0);
  });
});

describe("the key", () => {
  it("is sent as a bearer token and nothing of the environment beside it", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "sk-from-the-environment");
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "token-from-the-environment");
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    await using server = await startScriptedModel(() => text("Hi"), { apiKey });
    const model = anthropicModel({ model: "m", apiKey: `${apiKey}\n`, baseUrl: server.baseUrl });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(reply.ok).toBe(true);
    expect(JSON.stringify(server.requests[0]?.headers)).not.toContain("environment");
  });

  it("is not needed at an endpoint of one's own", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "sk-from-the-environment");
    await using server = await startScriptedModel(() => text("Hi"));
    const model = anthropicModel({ model: "m", baseUrl: server.baseUrl });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(reply.ok).toBe(true);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer none");
  });

  it("missing at Anthropic is a failure that sends nothing", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "sk-from-the-environment");
    const model = anthropicModel({ model: "m" });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(failure(reply)).toEqual({
      kind: "auth",
      message: "there is no API key",
      unbilled: true,
    });
  });

  it("with signs that fit no header is a failure that does not show it", async () => {
    const model = anthropicModel({
      model: "m",
      apiKey: "sk-secret\nvalue",
      baseUrl: "http://127.0.0.1:1",
    });
    const reply = await model.complete(request, { signal: new AbortController().signal });
    expect(failure(reply).kind).toBe("auth");
    expect(JSON.stringify(reply)).not.toMatch(/secret|value/);
  });

  it.each([
    ["an error answer", fault.status(401, { message: `the key ${apiKey} is revoked` })],
    [
      "an error page",
      {
        kind: "body",
        status: 200,
        headers: { "content-type": "text/plain" },
        body: `got ${apiKey}`,
      },
    ],
    ["an error event", fault.errorEvent(apiKey)],
    ["a refusal", fault.refusal(`I will not use ${apiKey}`)],
  ] satisfies [string, ScriptedReply][])("is not shown when %s repeats it", async (_name, said) => {
    const reply = await ask([said]);
    expect(failure(reply).message).toContain("[key]");
    expect(JSON.stringify(reply)).not.toContain(apiKey);
  });
});

describe("the bytes of a request", () => {
  it("are the same for the same request, and those of a conversation begin alike", async () => {
    await using server = await startScriptedModel(() => text("Hi"));
    const model = anthropicModel({ model: "claude-sonnet-5-5", apiKey, baseUrl: server.baseUrl });
    const { signal } = new AbortController();
    await model.complete(request, { signal });
    const { maxTokens, messages, tools, system } = structuredClone(request);
    await model.complete({ maxTokens, messages, tools, system }, { signal });
    await model.complete(
      {
        ...request,
        maxTokens: 500,
        toolChoice: { type: "auto" },
        messages: [
          ...request.messages,
          { role: "assistant", content: "Nothing." },
          { role: "user", content: "And now?" },
        ],
      },
      { signal },
    );
    const [first, again, next] = server.requests.map((one) => one.rawBody);
    expect(again).toBe(first);
    const prefix = first?.slice(0, first.indexOf('],"max_tokens"'));
    expect(prefix?.length).toBeGreaterThan(200);
    expect(next?.startsWith(prefix ?? "-")).toBe(true);
    expect(JSON.parse(next ?? "")).toMatchObject({
      max_tokens: 500,
      tool_choice: { type: "auto" },
    });
  });

  it("leave out what is empty", async () => {
    await using server = await startScriptedModel(() => text("Hi"));
    const model = anthropicModel({ model: "m", apiKey, baseUrl: server.baseUrl });
    await model.complete(
      { system: [], tools: [], messages: request.messages, maxTokens: 5 },
      { signal: new AbortController().signal },
    );
    expect(Object.keys(server.requests[0]?.body ?? {})).toEqual([
      "model",
      "messages",
      "max_tokens",
      "stream",
    ]);
  });
});

it("ends an answer that has no end in sight", async () => {
  const piece = eventStream({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text: "x".repeat(1_000_000) },
  });
  await using server = await startServer((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(
      eventStream(
        { type: "message_start", message: { model: "m" } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      ),
    );
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  const model = anthropicModel({ model: "m", baseUrl: server.baseUrl });
  const reply = await model.complete(request, { signal: new AbortController().signal });
  expect(failure(reply)).toEqual({ kind: "bad-reply", message: "the answer is too large" });
});
