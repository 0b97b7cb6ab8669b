import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../domain/clock.ts";

interface Sleeper {
  /** On the clock that only `advance` moves. */
  readonly wakeAt: number;
  readonly wake: () => void;
}

/**
 * A {@link Clock} that stands still until it is told to move.
 *
 * As on a real machine there are two times: the one of the day, which `now()` tells and `set` changes
 * at will, and the one that timers count, which only `advance` moves. So `set` wakes nobody: after
 * eight hours with the lid closed a sleeper of ten minutes still has its rest to wait.
 */
export class FakeClock implements Clock {
  #elapsed = 0;
  #offset: number;
  #sleepers: Sleeper[] = [];
  #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  /** @param start milliseconds since the epoch, or anything that `Date` reads. */
  constructor(start: number | string | Date = "2026-01-05T09:00:00Z") {
    this.#offset = new Date(start).getTime();
    if (Number.isNaN(this.#offset)) throw new RangeError(`"${String(start)}" is not a time`);
  }

  now(): number {
    return this.#offset + this.#elapsed;
  }

  /** How many are asleep. */
  get pending(): number {
    return this.#sleepers.length;
  }

  /** When the next one wakes, as `now()` would tell it, or undefined when nobody sleeps. */
  get nextWakeAt(): number | undefined {
    const next = this.#sleepers[0];
    return next && this.#offset + next.wakeAt;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    // A real timer of 0 ms takes a turn of the event loop and needs nobody to push it.
    if (ms <= 0) {
      await nextTurn();
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { wakeAt: this.#elapsed + ms, wake: resolve };
    const later = this.#sleepers.findIndex((other) => other.wakeAt > sleeper.wakeAt);
    this.#sleepers.splice(later < 0 ? this.#sleepers.length : later, 0, sleeper);
    const onAbort = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      resolve();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#tellWatchers();
    await promise;
    signal?.removeEventListener("abort", onAbort);
  }

  /**
   * Moves both times forward, waking sleepers in the order of their time, first come first served,
   * each at its own moment. Between two of them everything that needs no input or output settles, so
   * a sleeper that goes to sleep again in time is woken again.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsed + ms;
    await nextTurn();
    for (let next = this.#sleepers[0]; next && next.wakeAt <= target; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#elapsed = Math.max(this.#elapsed, next.wakeAt);
      next.wake();
      await nextTurn();
    }
    this.#elapsed = Math.max(this.#elapsed, target);
  }

  /** Sets the time of day, forward or back, and wakes nobody: a laptop's sleep, a corrected clock. */
  set(to: number | string | Date): void {
    this.#offset = new Date(to).getTime() - this.#elapsed;
  }

  /** Waits, in real time, until at least `count` are asleep: for code that does real work first. */
  async whenPending(count = 1): Promise<void> {
    if (this.pending >= count) return;
    await new Promise<void>((resolve) => this.#watchers.push({ count, resolve }));
  }

  #tellWatchers(): void {
    const done = this.#watchers.filter((watcher) => this.pending >= watcher.count);
    this.#watchers = this.#watchers.filter((watcher) => !done.includes(watcher));
    for (const watcher of done) watcher.resolve();
  }
}
