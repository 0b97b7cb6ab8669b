import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { attemptDelivery } from "./attempt.ts";
import { message, never } from "./channel-fixture.ts";
import type { Channel } from "./channel.ts";

/** Ends when it is told to, and says so. */
const endless = (more: Partial<Channel>): Channel => ({
  name: "endless",
  repeatable: false,
  deliver: (_message, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("told to end")));
    }),
  ...more,
});

it.each([
  ["one that does not say how long it takes", {}, 20_000],
  ["one that does, so that it can give up by itself", { patienceMs: 90_000 }, 91_000],
])("waits for %s", async (_what, more, ms) => {
  const clock = new FakeClock();
  const attempt = attemptDelivery(endless(more), message, { clock, signal: never });
  let ended = false;
  void attempt.then(() => (ended = true));
  await clock.advance(ms - 1);
  expect(ended).toBe(false);
  await clock.advance(1);
  expect(await attempt).toEqual({ kind: "unknown", error: "told to end" });
});
