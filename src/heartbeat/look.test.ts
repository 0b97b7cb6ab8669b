import { describe, expect, it } from "vitest";
import { AdapterError } from "../domain/errors.ts";
import { createScrub } from "../domain/scrub.ts";
import type { ObserveInput, ObserveResult } from "../skills/define.ts";
import { silentSkillLog, type LoadedCheck } from "../skills/load.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { lookOnce } from "./look.ts";

function bench(observe: (input: ObserveInput) => unknown) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const hanging = new Set<string>();
  const scrub = createScrub(["hunter22"]);
  const check: LoadedCheck = {
    name: "web/api",
    skill: "web",
    schedule: { kind: "interval", everyMs: 60_000 },
    timeoutMs: 20_000,
    log: silentSkillLog(),
    observe: observe as LoadedCheck["observe"],
  };
  return {
    clock,
    stop,
    hanging,
    look: (cursor: unknown = null) =>
      lookOnce(check, cursor, {
        clock,
        stopping: stop.signal,
        hanging,
        scrub,
        tools: new Map(),
        store: undefined,
      }),
  };
}

const seen: ObserveResult = {
  observations: [{ key: "a", severity: "notice", title: "A" }],
  cursor: 8,
};

describe("a look", () => {
  it("gives the check its cursor, the time and a signal, and accepts what it saw", async () => {
    const inputs: ObserveInput[] = [];
    const { look, clock, hanging } = bench(async (input) => {
      inputs.push(input);
      return seen;
    });
    expect(await look({ uid: 7 })).toMatchObject({
      outcome: "ok",
      durationMs: 0,
      accepted: { observations: [{ key: "a", trust: "untrusted" }], cursor: 8, complete: false },
    });
    expect(inputs).toMatchObject([{ cursor: { uid: 7 }, now: new Date(clock.now()) }]);
    expect(inputs[0]?.signal.aborted).toBe(false);
    expect(hanging.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a throw", () => Promise.reject(new Error("no answer")), /^no answer$/],
    [
      "a throw before there is a promise",
      () => {
        throw new Error("at once");
      },
      /^at once$/,
    ],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a skill may
    ["a throw of nothing", () => Promise.reject(undefined), /^unknown error$/],
    ["something else than a look", () => ({ items: [] }), /something else than a look/],
    ["nothing", () => undefined, /something else than a look/],
    ["a cursor that is not JSON", () => ({ ...seen, cursor: 1n }), /cursor is not JSON/],
  ])("that ends in %s is a failed one", async (_, observe, error) => {
    const { look, hanging } = bench(observe);
    expect(await look()).toEqual({
      outcome: "failed",
      error: expect.stringMatching(error),
      retryAt: undefined,
      durationMs: 0,
    });
    expect(hanging.size).toBe(0);
  });

  it("keeps secrets to itself, in what it saw and in why it failed", async () => {
    const title = "password hunter22";
    const shown = await bench(() => ({
      observations: [{ ...seen.observations[0], title }],
      notes: [title],
    })).look();
    expect(shown).toMatchObject({
      accepted: { observations: [{ title: "password [secret]" }], notes: ["password [secret]"] },
    });
    expect(await bench(() => Promise.reject(new Error(title))).look()).toMatchObject({
      error: "password [secret]",
    });
  });

  it("hands on when trying again makes sense", async () => {
    const busy = new AdapterError("BUSY", "busy", { retryAt: 12_345 });
    expect(await bench(() => Promise.reject(busy)).look()).toMatchObject({ retryAt: 12_345 });
  });
});

describe("a look that hangs", () => {
  const hang = () => {
    const end = Promise.withResolvers<ObserveResult>();
    const signals: AbortSignal[] = [];
    const at = bench(({ signal }) => {
      signals.push(signal);
      return end.promise;
    });
    return { ...at, end, signals };
  };

  it("is given up at its timeout and told to stop", async () => {
    const { look, clock, signals } = hang();
    const looking = look();
    await clock.advance(19_999);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(await looking).toMatchObject({
      outcome: "timeout",
      error: "took longer than 20s",
      durationMs: 20_000,
    });
    expect(signals[0]?.reason).toMatchObject({ message: "took longer than 20s" });
  });

  it("is not begun again beside itself, and is once it has ended", async () => {
    const { look, clock, end, signals } = hang();
    const first = look();
    await clock.advance(20_000);
    await first;
    expect(await look()).toMatchObject({
      outcome: "failed",
      error: "the look before this one still hangs",
    });
    expect(signals).toHaveLength(1);
    end.reject(new Error("stopped at last"));
    await clock.advance(0);
    expect(await look()).toMatchObject({ outcome: "failed", error: "stopped at last" });
    expect(signals).toHaveLength(2);
  });

  it("is let go of at once when the daemon stops, and says nothing", async () => {
    const { look, stop, signals, clock } = hang();
    const looking = look();
    stop.abort();
    expect(await looking).toEqual({ outcome: "aborted" });
    expect(signals[0]?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

it("is no failure of the check when it ends because the daemon stops", async () => {
  const { look, stop } = bench(
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("connection closed")));
      }),
  );
  const looking = look();
  stop.abort();
  expect(await looking).toEqual({ outcome: "aborted" });
});

it("does not begin when the daemon is stopping already", async () => {
  let began = false;
  const { look, stop } = bench(() => {
    began = true;
    return seen;
  });
  stop.abort();
  expect(await look()).toEqual({ outcome: "aborted" });
  expect(began).toBe(false);
});
