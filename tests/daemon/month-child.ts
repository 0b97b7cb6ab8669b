import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { openWatch } from "../../src/daemon.ts";
import { channelDependencies } from "../../src/notify/channel-dependencies.ts";
import { openChannels, type Channel } from "../../src/notify/channel.ts";
import type { Store } from "../../src/store/index.ts";
import { silentLog } from "../../src/telemetry/log.ts";
import type { Play } from "./fixtures/skills/stage/index.ts";
import { restingLoops } from "./resting-loops.ts";
import {
  begin,
  clockFile,
  makeWorld,
  timezone,
  worseAfter,
  type Death,
  type MonthChannel,
} from "./month-world.ts";

/**
 * A daemon of the simulated month: a whole watch over real channels, whose clock runs as fast as its work is
 * done. It tells its parent what it begins and asks what is held on purpose: for that alone time goes on while
 * something is under way.
 */

export interface ChildOptions {
  readonly folder: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly modelUrl: string;
  readonly channels: NonNullable<NonNullable<ConfigInput["notify"]>["channels"]>;
  readonly interruptionsPerDay: number;
  readonly quietHours: string;
  readonly digestAt: string[];
  /** When the world outside changes by itself: it is told before that time comes. */
  readonly bounds: readonly number[];
  readonly death: Death | null;
}

/** What the child says; each is answered by {@link ParentWord} before it goes on. */
export type ChildWord =
  | { readonly say: "time"; readonly at: number }
  | {
      readonly say: "begin";
      readonly channel: MonthChannel;
      readonly key: string;
      readonly at: number;
    }
  | { readonly say: "end"; readonly channel: MonthChannel; readonly error: string | null };

export interface ParentWord {
  /** Requests to these are held on purpose. */
  readonly held: readonly string[];
  /** When the first of them goes on, or null when none does by itself. */
  readonly until: number | null;
}

const options = JSON.parse(process.argv[2] ?? "{}") as ChildOptions;
const clock = new FakeClock(options.from);
const world = makeWorld(options.seed);
const info = packageInfo();

/** Nobody else speaks meanwhile: answers come in the order of the words. */
const answers: ((word: ParentWord) => void)[] = [];
process.on("message", (word: ParentWord) => answers.shift()?.(word));
// Without its parent there is no world.
process.on("disconnect", () => process.exit(1));
function ask(word: ChildWord): Promise<ParentWord> {
  const { promise, resolve } = Promise.withResolvers<ParentWord>();
  answers.push(resolve);
  process.send?.(word);
  return promise;
}

const timeBytes = Buffer.alloc(8);
const timeHandle = openSync(join(options.folder, clockFile), "r+");
function noteTime(at: number): void {
  timeBytes.writeDoubleLE(at);
  writeSync(timeHandle, timeBytes, 0, 8, 0);
}

const writes =
  /^(record|register|keep|begin|commit|finish|apply|move|tellNow|fold|set|resolve|close|wake|reserve|settle|note)/;
const { death } = options;
let writesSince = 0;

/** Ends the process at its write, when that is how it is to die. */
function decorateStore(store: Store): Store {
  if (death?.where !== "write") return store;
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof name !== "string" || typeof method !== "function" || !writes.test(name)) {
        return method;
      }
      return async (...given: unknown[]) => {
        if (clock.now() >= death.at) writesSince += 1;
        const isHere = writesSince === death.nth;
        if (isHere && death.when === "before") process.kill(process.pid, "SIGKILL");
        const result: unknown = await Reflect.apply(method, target, given);
        if (isHere) process.kill(process.pid, "SIGKILL");
        return result;
      };
    },
  });
}

/** Channels with a request under way, under another name once it was told to stop. */
const open = new Set<string>();

function watched(channel: Channel): Channel {
  const name = channel.name as MonthChannel;
  async function during<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const stopped = `${name}, stopped`;
    const stop = (): void => {
      open.delete(name);
      open.add(stopped);
    };
    open.add(name);
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener("abort", stop);
      open.delete(name);
      open.delete(stopped);
    }
  }
  return {
    ...channel,
    async deliver(message, signal) {
      const { key } = message;
      await ask({ say: "begin", channel: name, key, at: clock.now() });
      let error: string | null = null;
      try {
        await during(signal, () => channel.deliver(message, signal));
      } catch (thrown) {
        error = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
        throw thrown;
      } finally {
        await ask({ say: "end", channel: name, error });
      }
    },
    ...(channel.confirm && {
      async confirm(message, { since, signal }) {
        try {
          return await during(signal, async () => channel.confirm?.(message, { since, signal }));
        } finally {
          await ask({ say: "end", channel: name, error: null });
        }
      },
    }),
  };
}

const play: Play = {
  checks: {
    services: {
      every: "5m",
      async observe() {
        const now = clock.now();
        const down = world.services.flatMap(({ name, severity, outages }) => {
          const outage = outages.find(({ from, to }) => from <= now && now < to);
          if (!outage) return [];
          const isWorse = now - outage.from >= worseAfter;
          return {
            key: name,
            severity: isWorse ? ("critical" as const) : severity,
            title: `${name} is down`,
            trust: "trusted" as const,
          };
        });
        return { observations: down, complete: true };
      },
    },
    feed: {
      every: "10m",
      async observe({ cursor }) {
        const now = clock.now();
        const since = typeof cursor === "number" ? cursor : begin - 1;
        const fresh = world.notices.filter(({ at }) => since < at && at <= now);
        const observations = fresh.map(({ key, severity }) => ({
          key,
          severity,
          title: `Here is ${key}`,
          trust: "untrusted" as const,
        }));
        return { observations, cursor: now };
      },
    },
  },
};

const much = 1e9;
const config = resolveConfig(
  {
    timezone,
    skills: { [join(info.root, "tests", "daemon", "fixtures", "skills", "stage")]: play },
    model: {
      chain: [{ model: "claude-sonnet-5-5" }],
      budget: {
        perRunUsd: much,
        dailyUsd: much,
        monthlyUsd: much,
        perRunTokens: much,
        dailyTokens: much,
      },
    },
    notify: {
      channels: options.channels,
      quietHours: options.quietHours,
      digestAt: options.digestAt,
      interruptionsPerDay: options.interruptionsPerDay,
    },
  },
  {
    file: join(options.folder, "agent.config.ts"),
    environment: { ANTHROPIC_API_KEY: "sk-test", ANTHROPIC_BASE_URL: options.modelUrl },
  },
);
const stateDir = join(options.folder, "state");
const channels = openChannels(
  config.notify.channels,
  channelDependencies(config, {
    ...{ stateDir, wordSecret: null, clock },
    print: () => undefined,
    warn: () => undefined,
  }),
);

noteTime(options.from);
await ask({ say: "time", at: clock.now() });
const watch = await openWatch({
  ...{ config, stateDir, packageInfo: info, clock, decorateStore },
  log: silentLog,
  random: () => 0.5,
  print: () => undefined,
  observer: { beat() {}, ran() {}, ruled() {} },
  pid: process.pid,
  channels: channels.map((each) => ({ ...each, channel: watched(each.channel) })),
});
/** When the watch wants to attend to something, beats aside. */
let attendAt: number | null = null;
const attend = watch.attendance.attend.bind(watch.attendance);
watch.attendance.attend = async () => (attendAt = await attend());
void watch.keepWatch();

/** When what is held next goes on by itself. */
let heldUntil: number | null = null;

/** Whether time must stand still: something is under way that nobody holds up on purpose. */
async function isAtWork(): Promise<boolean> {
  // Everything between two pieces of input or output is done within a few turns.
  for (let turn = 0; turn < 4; turn += 1) await nextTurn();
  const { held, until } = await ask({ say: "time", at: clock.now() });
  heldUntil = until;
  if (held.length === 0 || [...open].some((name) => !held.includes(name))) return true;
  const [run] = await watch.store.listRuns({ limit: 1 });
  if (run?.finishedAt === null && !held.includes("model")) return true;
  // A turn of the heartbeat may be on its way, with a look at a file in it.
  for (let again = 0; again < 3; again += 1) await ask({ say: "time", at: clock.now() });
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  return [...open].some((name) => !held.includes(name));
}

async function settle(): Promise<void> {
  for (;;) {
    await clock.whenPending(restingLoops);
    await nextTurn();
    if (!watch.attendance.busy() && clock.pending >= restingLoops) return;
    if (watch.attendance.busy() && !(await isAtWork())) return;
  }
}

/**
 * When the next sleeper wakes. While all is quiet, of the turns every 20 seconds that find nothing to do only
 * the last one is lived through: the time between is let pass as on a machine that was suspended.
 */
function skipToNextWake(): number {
  const wake = clock.nextWakeAt ?? clock.now();
  const wanted = Math.min(watch.heartbeat.nextBeatAt(), attendAt ?? Infinity, options.to);
  if (watch.attendance.busy()) return Math.max(clock.now(), Math.min(wake, heldUntil ?? Infinity));
  if (clock.pending > restingLoops || wanted <= wake) return wake;
  clock.set(clock.now() + wanted - wake);
  return wanted;
}

const bounds = [...options.bounds];
while (clock.now() < options.to) {
  await settle();
  const next = skipToNextWake();
  while (bounds[0] !== undefined && bounds[0] <= next) {
    const bound = bounds.shift() ?? next;
    await ask({ say: "time", at: bound });
  }
  noteTime(next);
  await clock.advance(next - clock.now());
}
await settle();
await watch[Symbol.asyncDispose]();
process.exit(0);
