import { describe, expect, it } from "vitest";
import { silentLog } from "../../src/telemetry/log.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { startScriptedModel } from "../../src/testing/scripted-model.ts";
import { callTools, fault, text } from "../../src/testing/scripted-reply.ts";
import { anthropicModel } from "../../src/model/anthropic.ts";
import { createModelChain } from "../../src/model/chain.ts";
import { freePort } from "../servers/free-port.ts";
import { apiKey, chainOf, request } from "./chain-fixture.ts";
import { eventsOfToolCall, faultCases, faultsAt, toolCall } from "./fault-cases.ts";

const day = 24 * 60 * 60_000;
const nobodyThere = await addressOfNobody();

describe("a fault ends in its outcome, in its time, and without a tool call", () => {
  it.each(faultCases)("%s", async (_name, { said, outcome, attempts, after, withinMs }) => {
    let isWell = false;
    await using server = await startScriptedModel(() => (isWell ? text("All well.") : said));
    const { chain, clock, ask } = chainOf([{ model: "claude-sonnet-5-5", server }]);

    const reply = await ask();
    expect(reply.ok ? reply.stopReason : reply.failure.kind).toBe(outcome);
    expect(server.requests).toHaveLength(attempts);
    expect(JSON.stringify(reply)).not.toMatch(/tool_use"|inbox_send|sk-test/);
    expect(clock.now() - faultsAt).toBeLessThanOrEqual(withinMs);
    if (!reply.ok) {
      expect(reply.failure.message).toMatch(/^claude-sonnet-5-5: .+/);
      expect(reply.failure.message).not.toContain("\n");
    }

    const availability = chain.availability(clock.now());
    isWell = true;
    if (after === "ready") expect(availability).toEqual({ ready: true });
    else if (after === "never") {
      expect(availability).toMatchObject({ ready: false, until: null });
      await clock.advance(400 * day);
      expect(await ask()).toMatchObject({ ok: false, failure: { kind: outcome } });
      expect(server.requests).toHaveLength(attempts);
      return;
    } else {
      const until = faultsAt + after.from;
      expect(availability).toMatchObject({ ready: false, until });
      await clock.advance(until - clock.now() - 1);
      expect(await ask()).toMatchObject({ ok: false, failure: { kind: outcome } });
      expect(server.requests).toHaveLength(attempts);
      await clock.advance(1);
    }
    expect(await ask()).toMatchObject({ ok: true, stopReason: "end_turn" });
  });

  it("a whole stream is a tool call", async () => {
    await using server = await startScriptedModel([fault.cutAfter(eventsOfToolCall, toolCall)]);
    const { ask } = chainOf([{ model: "claude-sonnet-5-5", server }]);
    expect(await ask()).toMatchObject({ ok: true, stopReason: "tool_use" });
  });

  it("a tool that nobody offered is said as it was: the run refuses it", async () => {
    await using server = await startScriptedModel([callTools([{ name: "nuke", input: {} }])]);
    const { ask } = chainOf([{ model: "claude-sonnet-5-5", server }]);
    expect(await ask()).toMatchObject({ ok: true, stopReason: "tool_use" });
  });

  it.each([
    ["nothing listens", nobodyThere],
    ["the name is not known", "http://nowhere.invalid"],
  ])("%s: unreachable, three attempts", async (_name, baseUrl) => {
    const clock = new FakeClock(faultsAt);
    let attempts = 0;
    const log = { ...silentLog, warn: (fields: object) => (attempts = fieldOf(fields)) };
    const model = anthropicModel({ model: "m", apiKey, baseUrl, clock });
    const chain = createModelChain([{ model }], { clock, random: () => 0, log });
    const reply = await chain.complete(request, { signal: new AbortController().signal });
    expect(reply).toMatchObject({ ok: false, failure: { kind: "unreachable" } });
    expect(attempts).toBe(3);
    expect(chain.availability(clock.now())).toEqual({ ready: true });
  });
});

const fieldOf = (fields: object): number => ("attempts" in fields ? Number(fields.attempts) : 0);

async function addressOfNobody(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}
