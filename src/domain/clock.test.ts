import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";

describe("the system's clock", () => {
  it("tells the time", () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
  });

  it("sleeps as long as it is told", async () => {
    const before = performance.now();
    await systemClock.sleep(20);
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });

  it("wakes at once when it is told to, and leaves no listener behind", async () => {
    const controller = new AbortController();
    const asleep = systemClock.sleep(600_000, controller.signal);
    controller.abort();
    await expect(asleep).resolves.toBeUndefined();
    await expect(systemClock.sleep(600_000, controller.signal)).resolves.toBeUndefined();
    const { signal } = new AbortController();
    await systemClock.sleep(1, signal);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it.each([[-5], [0], [Number.NaN]])("does not hang on %d ms", async (ms) => {
    await expect(systemClock.sleep(ms)).resolves.toBeUndefined();
  });

  it("does not take a wait of months for no wait", async () => {
    const controller = new AbortController();
    let awake = false;
    const asleep = systemClock.sleep(90 * 86_400_000, controller.signal).then(() => (awake = true));
    await systemClock.sleep(10);
    expect(awake).toBe(false);
    controller.abort();
    await asleep;
  });
});
