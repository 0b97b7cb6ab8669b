import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { FakeClock } from "./fake-clock.ts";

const start = Date.parse("2026-03-28T22:00:00Z");

describe("FakeClock", () => {
  it("stands still until it is moved", async () => {
    const clock = new FakeClock(start);
    expect(clock.now()).toBe(start);
    await clock.advance(1_500);
    expect(clock.now()).toBe(start + 1_500);
  });

  it("wakes sleepers in the order of their time, each at its own moment", async () => {
    const clock = new FakeClock(start);
    const woken: [string, number][] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push([name, clock.now() - start]);
    };
    const asleep = [
      sleeper("late", 300),
      sleeper("first", 100),
      sleeper("second", 100),
      sleeper("never", 301),
    ];
    await clock.advance(300);
    expect(woken).toEqual([
      ["first", 100],
      ["second", 100],
      ["late", 300],
    ]);
    expect(clock.pending).toBe(1);
    expect(clock.nextWakeAt).toBe(start + 301);
    await clock.advance(1);
    await Promise.all(asleep);
  });

  it("lets chains of promises settle before it wakes the next", async () => {
    const clock = new FakeClock(start);
    const seen: string[] = [];
    const slow = async (): Promise<void> => {
      await clock.sleep(10);
      for (let step = 0; step < 50; step += 1) await Promise.resolve();
      seen.push("slow chain");
    };
    const next = async (): Promise<void> => {
      await clock.sleep(11);
      seen.push("next sleeper");
    };
    const both = [slow(), next()];
    await clock.advance(11);
    await Promise.all(both);
    expect(seen).toEqual(["slow chain", "next sleeper"]);
  });

  it("wakes a loop as often as it goes back to sleep in time", async () => {
    const clock = new FakeClock(start);
    const controller = new AbortController();
    const beats: number[] = [];
    const loop = (async () => {
      for (;;) {
        await clock.sleep(60_000, controller.signal);
        if (controller.signal.aborted) return;
        beats.push(clock.now() - start);
      }
    })();
    await clock.advance(185_000);
    expect(beats).toEqual([60_000, 120_000, 180_000]);
    expect(clock.nextWakeAt).toBe(start + 240_000);
    controller.abort();
    await loop;
    expect(clock.pending).toBe(0);
  });

  it("set changes the time of day and wakes nobody, forward or back", async () => {
    const clock = new FakeClock(start);
    let woken = false;
    const asleep = clock.sleep(600_000).then(() => (woken = true));
    clock.set("2026-03-29T06:00:00Z");
    await clock.advance(0);
    expect(woken).toBe(false);
    expect(clock.nextWakeAt).toBe(Date.parse("2026-03-29T06:10:00Z"));
    clock.set(start - 3_600_000);
    await clock.advance(599_999);
    expect(woken).toBe(false);
    await clock.advance(1);
    expect(woken).toBe(true);
    expect(clock.now()).toBe(start - 3_600_000 + 600_000);
    await asleep;
  });

  it("wakes whoever is told to stop, and leaves no listener behind", async () => {
    const clock = new FakeClock(start);
    const controller = new AbortController();
    const asleep = clock.sleep(1_000, controller.signal);
    controller.abort();
    await asleep;
    await clock.sleep(1_000, controller.signal);
    expect(clock.pending).toBe(0);
    const { signal } = new AbortController();
    const woken = clock.sleep(5, signal);
    await clock.advance(5);
    await woken;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("needs no push for a sleep of nothing", async () => {
    await new FakeClock(start).sleep(0);
    await new FakeClock(start).sleep(-1);
  });

  it("tells when enough are asleep", async () => {
    const clock = new FakeClock(start);
    let told = false;
    const waiting = clock.whenPending(2).then(() => (told = true));
    const first = clock.sleep(1);
    await Promise.resolve();
    expect(told).toBe(false);
    const second = clock.sleep(1);
    await waiting;
    await clock.whenPending(1);
    await clock.advance(1);
    await Promise.all([first, second]);
  });

  it("refuses a start that is no time", () => {
    expect(() => new FakeClock("tomorrow")).toThrow(RangeError);
  });
});
