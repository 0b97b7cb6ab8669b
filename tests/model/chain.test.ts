import { describe, expect, it, test } from "vitest";
import { startScriptedModel } from "../../src/testing/scripted-model.ts";
import { callTools, fault, text, type ScriptedReply } from "../../src/testing/scripted-reply.ts";
import { chainOf, request } from "./chain-fixture.ts";
import type { ModelUsage, SpendLedger, WorstCase } from "../../src/model/port.ts";

const sonnet = "claude-sonnet-5-5";
const haiku = "claude-haiku-5-5";
const second = 1_000;

/** Two models, each with a server of its own. */
async function pair(first: () => ScriptedReply, next: () => ScriptedReply) {
  const servers = new AsyncDisposableStack();
  const one = servers.use(await startScriptedModel(first));
  const two = servers.use(await startScriptedModel(next));
  const atHand = chainOf([
    { model: sonnet, server: one },
    { model: haiku, server: two },
  ]);
  return { ...atHand, one, two, [Symbol.asyncDispose]: () => servers.disposeAsync() };
}

describe("the next model", () => {
  const faults: [string, ScriptedReply, number][] = [
    ["is overloaded", fault.status(529), 3],
    ["refuses the key", fault.status(401), 1],
    ["has reached its spend limit", fault.status(402), 1],
    ["asks to be left alone for an hour", fault.status(429, { retryAfter: 3_600 }), 1],
    ["declines", fault.refusal(), 1],
    ["has too small a window", fault.status(413), 1],
    ["rejects the request", fault.status(404), 1],
    ["says nonsense", fault.html(), 2],
  ];
  it.each(faults)(
    "is asked when the first %s, and says who it is",
    async (_name, said, attempts) => {
      await using scene = await pair(
        () => said,
        () => text("I am here."),
      );
      const reply = await scene.ask();
      expect(reply).toMatchObject({ ok: true, model: haiku });
      expect(scene.one.requests).toHaveLength(attempts);
      expect(scene.two.requests).toHaveLength(1);
      expect(scene.chain.availability(scene.clock.now())).toEqual({ ready: true });
    },
  );

  it("is not asked when the first replies", async () => {
    await using scene = await pair(
      () => text("Here."),
      () => text("Here too."),
    );
    expect(await scene.ask()).toMatchObject({ ok: true, model: sonnet });
    expect(scene.two.requests).toHaveLength(0);
  });

  it("failing too, the failure names both, with their causes, in one line", async () => {
    await using scene = await pair(
      () => fault.status(529),
      () => fault.status(401),
    );
    const first = await scene.ask();
    expect(first).toMatchObject({ ok: false, model: haiku, failure: { kind: "auth" } });
    expect(first).toHaveProperty(
      "failure.message",
      expect.stringMatching(
        /^claude-sonnet-5-5: overloaded: HTTP 529.* \(3 attempts\); claude-haiku-5-5: auth: HTTP 401[^\n]*$/,
      ),
    );
    // The second is not asked again: its key is refused until the owner says that something has changed.
    const again = await scene.ask();
    expect(scene.two.requests).toHaveLength(1);
    expect(again).toHaveProperty(
      "failure.message",
      expect.stringContaining("claude-haiku-5-5 not asked: the key was refused"),
    );
    expect(again).toMatchObject({ failure: { kind: "overloaded" } });
    scene.chain.askAgain();
    await scene.ask();
    expect(scene.two.requests).toHaveLength(2);
  });

  it("being down does not hide that the first did answer", async () => {
    await using scene = await pair(
      () => fault.refusal("Not this."),
      () => fault.status(500),
    );
    expect(await scene.ask()).toMatchObject({
      ok: false,
      model: sonnet,
      failure: { kind: "refusal" },
    });
  });

  it("when neither can be asked, the chain says until when, and asks nobody", async () => {
    await using scene = await pair(
      () => fault.status(429, { retryAfter: 7_200 }),
      () => fault.status(429, { retryAfter: 3_600 }),
    );
    await scene.ask();
    const at = scene.clock.now();
    expect(scene.chain.availability(at)).toEqual({
      ready: false,
      until: at + 3_600 * second,
      reason:
        "claude-sonnet-5-5: the provider asks for a pause; not before 2026-11-12 12:00 UTC; claude-haiku-5-5: the provider asks for a pause; not before 2026-11-12 11:00 UTC",
    });
    expect(await scene.ask()).toMatchObject({ ok: false, failure: { kind: "rate-limited" } });
    expect([scene.one.requests.length, scene.two.requests.length]).toEqual([1, 1]);
    // A clock that is set back lifts what the old one told.
    scene.clock.set("2026-11-12T09:00:00Z");
    expect(scene.chain.availability(scene.clock.now())).toEqual({ ready: true });
  });
});

describe("retries", () => {
  it("wait with jitter that doubles, and at least for the retry-after", async () => {
    const said = [fault.status(529), fault.status(529, { retryAfter: 17 }), text("Well.")];
    await using server = await startScriptedModel(said);
    const { ask, waits, clock } = chainOf([{ model: sonnet, server }]);
    const startedAt = clock.now();
    const reply = await ask();
    expect(waits).toEqual([500, 17_000]);
    expect(clock.now() - startedAt).toBe(17_500);
    expect(reply).toMatchObject({ ok: true, durationMs: 17_500 });
  });

  it("stop at once when the call is called off, however long the wait", async () => {
    await using server = await startScriptedModel(() => fault.status(429, { retryAfter: 30 }));
    const { chain, clock } = chainOf([{ model: sonnet, server }]);
    const call = new AbortController();
    const asked = chain.complete(request, { signal: call.signal });
    await server.nextRequest();
    // Two timers watch the call; the third sleeper is the wait.
    await expect.poll(() => clock.nextWakeAt! - clock.now()).toBe(30_000);
    call.abort();
    expect(await asked).toMatchObject({ ok: false, failure: { kind: "aborted" } });
    expect(server.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect(chain.availability(clock.now())).toEqual({ ready: true });
  });

  it("end, the model left alone for a minute, at the fifth failure in a row", async () => {
    let isWell = false;
    await using server = await startScriptedModel(() =>
      isWell ? text("Well.") : fault.status(500),
    );
    const { ask, chain, clock } = chainOf([{ model: sonnet, server }]);
    await ask();
    await ask();
    expect(server.requests).toHaveLength(5);
    const openedAt = clock.now();
    expect(chain.availability(openedAt)).toMatchObject({ ready: false, until: openedAt + 60_000 });
    expect(await ask()).toMatchObject({ failure: { kind: "overloaded" } });
    expect(server.requests).toHaveLength(5);
    // One trial after the rest, and only one.
    await clock.advance(60_000);
    await ask();
    expect(server.requests).toHaveLength(6);
    expect(chain.availability(clock.now())).toMatchObject({ ready: false });
    isWell = true;
    await clock.advance(60_000);
    expect(await ask()).toMatchObject({ ok: true });
    expect(chain.availability(clock.now())).toEqual({ ready: true });
  });
});

describe("limits of an entry", () => {
  it("hold a call back for a while, and past that leave it to the next model", async () => {
    await using server = await startScriptedModel(() => text("Here."));
    await using other = await startScriptedModel(() => text("Here too."));
    const { ask, clock, chain } = chainOf([
      { model: sonnet, server, limits: { requestsPerMinute: 3 } },
      { model: haiku, server: other, limits: { requestsPerMinute: 1 } },
    ]);
    const startedAt = clock.now();
    for (let call = 0; call < 4; call += 1) await ask();
    expect(clock.now() - startedAt).toBe(20_000);
    expect(server.requests).toHaveLength(4);

    await using slow = await startScriptedModel(() => text("Slow."));
    const tight = chainOf([
      { model: sonnet, server: slow, limits: { requestsPerMinute: 1 } },
      { model: haiku, server: other },
    ]);
    expect(await tight.ask()).toMatchObject({ model: sonnet });
    expect(await tight.ask()).toMatchObject({ model: haiku });
    expect(tight.clock.now() - startedAt).toBe(0);
    expect(chain.availability(clock.now())).toEqual({ ready: true });
  });

  it("count tokens before the call and what was used after it", async () => {
    const usage = { inputTokens: 10, outputTokens: 10 };
    await using server = await startScriptedModel(() => text("Here.", { usage }));
    const { ask, clock } = chainOf([{ model: sonnet, server, limits: { tokensPerMinute: 1_300 } }]);
    const startedAt = clock.now();
    // Each is estimated at more than a thousand; the second fits because the first used twenty.
    await ask();
    await ask();
    expect(clock.now() - startedAt).toBe(0);
  });

  it("alone in the way, say so", async () => {
    await using server = await startScriptedModel(() => text("Here."));
    const { ask, chain, clock } = chainOf([
      { model: sonnet, server, limits: { requestsPerMinute: 1 } },
    ]);
    await ask();
    expect(await ask()).toMatchObject({
      ok: false,
      failure: { kind: "rate-limited", message: expect.stringContaining("in the configuration") },
    });
    expect(chain.availability(clock.now())).toMatchObject({
      ready: false,
      until: clock.now() + 60_000,
    });
    await clock.advance(60_000);
    expect(await ask()).toMatchObject({ ok: true });
  });
});

describe("thinking", () => {
  it("goes only to the model that thought it, and tool calls to all", async () => {
    let firstIsDown = false;
    await using scene = await pair(
      () =>
        firstIsDown
          ? fault.status(401)
          : callTools([{ name: "inbox_send", input: {} }], { thinking: "Hm.", text: "I look." }),
      () => text("Done.", { thinking: "Well." }),
    );
    const asked = await scene.ask();
    if (!asked.ok) throw new Error(asked.failure.message);
    const goOn = {
      ...request,
      messages: [
        ...request.messages,
        { role: "assistant" as const, content: asked.content },
        {
          role: "user" as const,
          content: [
            { type: "tool_result" as const, tool_use_id: "toolu_1_2", content: "not sent" },
          ],
        },
      ],
    };
    await scene.ask({ request: goOn });
    expect(typesOf(scene.one.requests.at(-1))).toEqual(["thinking", "text", "tool_use"]);
    firstIsDown = true;
    expect(await scene.ask({ request: goOn })).toMatchObject({ ok: true, model: haiku });
    expect(typesOf(scene.two.requests.at(-1))).toEqual(["text", "tool_use"]);
    // What comes from a journal has no author that we know of.
    const copied = structuredClone(goOn);
    await scene.ask({ request: copied });
    expect(typesOf(scene.two.requests.at(-1))).toEqual(["text", "tool_use"]);
    expect(copied).toEqual(goOn);
  });

  it("that was a whole message leaves none behind", async () => {
    await using server = await startScriptedModel([text("Done.")]);
    const { ask } = chainOf([{ model: sonnet, server }]);
    const reply = await ask({
      request: {
        ...request,
        messages: [
          ...request.messages,
          { role: "assistant", content: [{ type: "redacted_thinking", data: "x" }] },
          { role: "user", content: "Go on." },
        ],
      },
    });
    expect(reply).toMatchObject({ ok: true });
    expect(server.requests[0]?.body.messages.map(({ role }) => role)).toEqual(["user", "user"]);
  });

  const typesOf = (sent: { readonly body: { readonly messages: unknown } } | undefined) => {
    const messages = (sent?.body.messages ?? []) as { role: string; content: { type: string }[] }[];
    return messages.find(({ role }) => role === "assistant")?.content.map(({ type }) => type);
  };
});

describe("the ledger", () => {
  interface Entry {
    readonly worst: WorstCase;
    settled: { model: string; usage: ModelUsage | undefined } | "open";
  }

  function ledgerOf(grant: (worst: WorstCase, count: number) => number | string) {
    const entries: Entry[] = [];
    const ledger: SpendLedger = {
      async reserve(worst) {
        const granted = grant(worst, entries.length);
        if (typeof granted === "string") return { ok: false, reason: granted };
        entries.push({ worst, settled: "open" });
        return { ok: true, reservation: entries.length - 1, maxTokens: granted };
      },
      async settle(reservation, model, usage) {
        const entry = entries[reservation];
        if (entry?.settled !== "open") throw new Error(`${reservation} is not open`);
        entry.settled = { model, usage };
      },
    };
    return { ledger, entries };
  }
  const all = ({ maxTokens }: WorstCase) => maxTokens;
  const nothing = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

  it("reserves each attempt with the bytes that go out, and settles what it used", async () => {
    const usage = { inputTokens: 700, outputTokens: 90 };
    const said = [fault.status(429), fault.status(500), text("Well.", { usage })];
    await using server = await startScriptedModel(said);
    const { ask } = chainOf([{ model: sonnet, server }]);
    const { ledger, entries } = ledgerOf(all);
    await ask({ ledger });
    const requestBytes = Buffer.byteLength(server.requests[0]!.rawBody);
    expect(entries.map(({ worst }) => worst)).toEqual(
      Array(3).fill({ model: sonnet, requestBytes, maxTokens: 1_000 }),
    );
    expect(entries.map(({ settled }) => settled)).toEqual([
      { model: sonnet, usage: nothing },
      { model: sonnet, usage: undefined },
      { model: sonnet, usage: { ...nothing, ...usage } },
    ]);
  });

  // What was said until then is the least that is billed; the ledger keeps the whole reservation.
  const partly = expect.objectContaining({ partial: true }) as ModelUsage;

  it.each<[string, ScriptedReply, ModelUsage | undefined]>([
    ["a refused key", fault.status(401), nothing],
    ["a rejected request", fault.status(400), nothing],
    ["an overloaded provider", fault.status(529), nothing],
    ["a provider that fails", fault.status(500), undefined],
    ["an overload in the stream", fault.errorEvent("overloaded_error"), partly],
    ["a reset connection", fault.reset(), undefined],
    ["a cut reply", fault.cutAfter(4), partly],
    ["a rate limit in the stream", fault.errorEvent("rate_limit_error"), partly],
  ])("%s is settled at what is certain", async (_name, said, usage) => {
    await using server = await startScriptedModel(() => said);
    const { ask } = chainOf([{ model: sonnet, server }]);
    const { ledger, entries } = ledgerOf(all);
    await ask({ ledger });
    expect(entries.length).toBeGreaterThan(0);
    for (const { settled } of entries) expect(settled).toEqual({ model: sonnet, usage });
  });

  it("may grant fewer tokens, which go into the request", async () => {
    await using server = await startScriptedModel([text("Short.")]);
    const { ask } = chainOf([{ model: sonnet, server }]);
    await ask({ ledger: ledgerOf(() => 250).ledger });
    expect(server.requests[0]?.body.max_tokens).toBe(250);
  });

  it("that has no room ends the call: nobody else is asked, and nothing is sent", async () => {
    await using scene = await pair(
      () => fault.status(529),
      () => text("Here."),
    );
    const { ledger } = ledgerOf((worst, count) =>
      count < 2 ? all(worst) : "the day's $5 are spent",
    );
    const reply = await scene.ask({ ledger });
    expect(reply).toMatchObject({
      ok: false,
      failure: { kind: "over-budget", message: "the day's $5 are spent" },
    });
    expect([scene.one.requests.length, scene.two.requests.length]).toEqual([2, 0]);
  });

  it("that fails grants nothing, and one that cannot settle loses no reply", async () => {
    await using server = await startScriptedModel([text("Here.")]);
    const { ask } = chainOf([{ model: sonnet, server }]);
    const broken = () => Promise.reject(new Error("the disk is full"));
    const unreserved = await ask({ ledger: { reserve: broken, settle: broken } });
    expect(unreserved).toMatchObject({
      failure: { kind: "over-budget", message: expect.stringContaining("the disk is full") },
    });
    expect(server.requests).toHaveLength(0);
    expect(await ask({ ledger: { ...ledgerOf(all).ledger, settle: broken } })).toMatchObject({
      ok: true,
    });
  });
});

test("a chain of none fails in words", async () => {
  const { ask, chain, clock } = chainOf([]);
  expect(await ask()).toMatchObject({ ok: false, failure: { kind: "rejected" } });
  expect(chain.availability(clock.now())).toMatchObject({ ready: false, until: null });
});
