import type { MessageParam } from "../model/port.ts";
import type { Prompt } from "./prompt.ts";

/** For how long the provider is asked to keep what it has read, so that it pays. */

const minuteMs = 60_000;

/** So many runs are looked back at; with less than half of them nothing is foretold. */
export const runsLookedBackAt = 12;

export type CacheLifetime = "5m" | "1h";

/**
 * An hour costs more to write than five minutes: it pays when runs come further apart than five minutes and
 * closer than an hour. Each use begins the time anew.
 * @param runStarts the last runs, newest first, in milliseconds; the gaps between them foretell the next
 */
export function cacheLifetime(runStarts: readonly number[]): CacheLifetime {
  const gaps = runStarts
    .slice(1)
    .map((earlier, index) => (runStarts[index] ?? earlier) - earlier)
    .toSorted((a, b) => a - b);
  if (gaps.length < runsLookedBackAt / 2) return "5m";
  const usual = gaps[Math.floor(gaps.length / 2)];
  return usual !== undefined && usual > 5 * minuteMs && usual < 60 * minuteMs ? "1h" : "5m";
}

/** The prefix with its end marked: the same bytes but for the lifetime. */
export function cachedPrefix({ system, tools }: Prompt, ttl: CacheLifetime) {
  return {
    system: system.map((block) =>
      block.cache_control
        ? { ...block, cache_control: { type: "ephemeral" as const, ttl } }
        : block,
    ),
    tools,
  };
}

/**
 * The messages with the end of the last one marked, from the second request of a run on: most runs make one or
 * two, and marking costs a quarter more than reading.
 */
export function cachedMessages(messages: readonly MessageParam[]): MessageParam[] {
  const last = messages.at(-1);
  if (messages.length < 3 || last?.role !== "user" || typeof last.content === "string") {
    return [...messages];
  }
  const end = last.content.at(-1);
  if (end?.type !== "text" && end?.type !== "tool_result") return [...messages];
  const marked = { ...end, cache_control: { type: "ephemeral" as const, ttl: "5m" as const } };
  return [
    ...messages.slice(0, -1),
    { role: "user", content: [...last.content.slice(0, -1), marked] },
  ];
}
