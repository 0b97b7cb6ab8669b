import { describe, expect, it } from "vitest";
import type { MessageParam } from "../model/port.ts";
import { cachedMessages, cachedPrefix, cacheLifetime } from "./prompt-cache.ts";

const at = (...minutesAgo: number[]): number[] => minutesAgo.map((minutes) => -minutes * 60_000);
const every = (minutes: number): number[] =>
  at(...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => n * minutes));

describe("the lifetime of the cache", () => {
  it.each([
    ["the first run", [], "5m"],
    ["a few runs, of which nothing can be foretold", at(0, 10, 20, 30), "5m"],
    ["runs every two minutes", every(2), "5m"],
    ["runs every five minutes", every(5), "5m"],
    ["runs every ten minutes", every(10), "1h"],
    ["runs every fifty minutes", every(50), "1h"],
    ["runs every hour", every(60), "5m"],
    ["a night between runs that come every ten minutes", at(0, 10, 490, 500, 510, 520, 530), "1h"],
    ["one run a day", every(1440), "5m"],
  ] as const)("after %s", (_, starts, lifetime) => {
    expect(cacheLifetime(starts)).toBe(lifetime);
  });

  it("changes nothing of the prefix but itself", () => {
    const prompt = {
      system: [{ type: "text" as const, text: "a", cache_control: { type: "ephemeral" as const } }],
      tools: [],
      version: "1",
    };
    expect(cachedPrefix(prompt, "1h").system).toEqual([
      { type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } },
    ]);
  });
});

describe("the messages", () => {
  const user = (text: string): MessageParam => ({
    role: "user",
    content: [{ type: "text", text }],
  });
  const model: MessageParam = { role: "assistant", content: [{ type: "text", text: "hm" }] };

  it("are not marked in the first request", () => {
    expect(cachedMessages([user("a")])).toEqual([user("a")]);
  });

  it("are marked at their end from the second on, and the journal's own stay as they are", () => {
    const messages = [user("a"), model, user("b")];
    const marked = cachedMessages(messages);
    expect(marked.at(-1)?.content).toEqual([
      { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "5m" } },
    ]);
    expect(messages.at(-1)).toEqual(user("b"));
  });
});
