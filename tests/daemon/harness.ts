import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ObservationInput } from "watchkeeper";
import type { FakeClock, ScriptedModel } from "watchkeeper/testing";
import type { RunSummary } from "../../src/agent/run.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { openWatch, type Watch } from "../../src/daemon.ts";
import type { Finding } from "../../src/domain/finding.ts";
import type { ConfiguredChannel } from "../../src/notify/channel.ts";
import type { BeatSummary } from "../../src/heartbeat/beat.ts";
import type { NotificationRecord, RunRecord, StepRecord, Store } from "../../src/store/port.ts";
import { waitsToAskAgain } from "../../src/model/link.ts";
import { createLog } from "../../src/telemetry/log.ts";
import type { Play } from "./fixtures/skills/stage/index.ts";
import { folderInMemory } from "../ground/folder-in-memory.ts";
import { restingLoops } from "./resting-loops.ts";

/**
 * A whole watch in the test's own process: real store, real skills, a scripted model over real HTTP,
 * and a clock that the test moves.
 */

const fixtures = join(import.meta.dirname, "fixtures", "skills");

/** The key of the `stage` skill in a config. */
const stage = join(fixtures, "stage");

/** A folder of its own for a test's world and state. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await folderInMemory("watchkeeper-daemon-");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface WatchOptions {
  /** Holds the state; a second watch on it is the same watch after a restart. */
  readonly folder: string;
  readonly clock: FakeClock;
  /** The model that is asked; without one the rules decide. */
  readonly model?: ScriptedModel;
  readonly config?: Omit<ConfigInput, "skills">;
  readonly skills?: Readonly<Record<string, unknown>>;
  /** In the place of those of the config. */
  readonly channels?: readonly ConfiguredChannel[];
  /** Checks and tools that are the test's own functions. */
  readonly play?: Play;
  /** Told of each line of the log, as JSON. */
  readonly listen?: (line: string) => void;
  /** Told of each turn of the heartbeat that has come to its end. */
  readonly turned?: () => void;
  readonly decorateStore?: (store: Store) => Store;
}

/** What is let happen while time passes. */
export type Patience =
  /** Beats and runs end before time goes on. */
  | "all"
  /** Beats end; a run may go on, its requests having reached the model. */
  | "beats"
  /** Time goes on, whatever is under way. */
  | "nothing";

export interface KeptWatch extends AsyncDisposable {
  readonly watch: Watch;
  readonly store: Store;
  readonly clock: FakeClock;
  /** What the terminal channel printed, one text per notification. */
  readonly printed: readonly string[];
  readonly beats: readonly BeatSummary[];
  readonly runs: readonly RunSummary[];
  /** Lets time pass, moment by moment; before each next one, what was begun is let end. */
  pass(ms: number, patience?: Patience): Promise<void>;
  /** Lets end what is under way, without time passing. */
  settle(patience?: Patience): Promise<void>;
  findings(): Promise<Finding[]>;
  notifications(): Promise<NotificationRecord[]>;
  /** All runs, the first one first, each with its journal. */
  journal(): Promise<(RunRecord & { readonly steps: StepRecord[] })[]>;
}

/** Opens a watch, starts it and lets its first beat end. */
export async function keepWatch(options: WatchOptions): Promise<KeptWatch> {
  const { folder, clock, model, config, skills = {}, play, listen, channels } = options;
  const { turned = () => undefined, decorateStore } = options;
  const info = packageInfo();
  const printed: string[] = [];
  const beats: BeatSummary[] = [];
  const runs: RunSummary[] = [];
  let happened = Promise.withResolvers<void>();
  const happen = (): void => {
    happened.resolve();
    happened = Promise.withResolvers<void>();
  };
  /** The waits between two attempts at the model, as the log tells of them. */
  const waits: { readonly until: number; readonly requests: number }[] = [];
  const log = createLog("debug", {
    write(line) {
      listen?.(line);
      if (!line.includes(waitsToAskAgain)) return;
      const { waitMs } = JSON.parse(line) as { waitMs: number };
      waits.push({ until: clock.now() + waitMs, requests: model?.requests.length ?? 0 });
      happen();
    },
  });
  const watch = await openWatch({
    config: resolveConfig(
      { timezone: "UTC", ...config, skills: { ...skills, ...(play ? { [stage]: play } : {}) } },
      {
        file: join(folder, "agent.config.ts"),
        environment: model
          ? { ANTHROPIC_BASE_URL: model.baseUrl, ANTHROPIC_API_KEY: "sk-test" }
          : {},
      },
    ),
    stateDir: join(folder, "state"),
    packageInfo: { ...info, builtinSkillsDir: join(info.root, "skills") },
    log,
    random: () => 0.5,
    print: (text) => printed.push(text),
    observer: {
      beat(summary) {
        beats.push(summary);
        happen();
      },
      ran(run) {
        runs.push(run);
        happen();
      },
      ruled: happen,
      turned,
    },
    clock,
    ...(channels && { channels }),
    ...(decorateStore && { decorateStore }),
    pid: process.pid,
  });
  const { store } = watch;
  const over = watch.keepWatch();

  /** Whether there is something to wait for that will come without time passing. */
  async function isBusy(patience: Patience): Promise<boolean> {
    // Everything between two pieces of input or output is done within a few turns: what a delivery that has
    // ended wakes takes some as well.
    for (let turn = 0; turn < 8; turn += 1) await nextTurn();
    const [beat] = await store.listBeats({ limit: 1 });
    if (beat && beat.finishedAt === null) return true;
    const [run] = await store.listRuns({ limit: 1 });
    if (!run || run.finishedAt !== null) return false;
    const wait = waits.at(-1);
    if (wait && wait.until > clock.now() && wait.requests === model?.requests.length) return false;
    return patience === "all" || (model !== undefined && !(await hasArrived(run.id, model)));
  }

  /** A model call that is under way has reached the model. */
  async function hasArrived(runId: number, asked: ScriptedModel): Promise<boolean> {
    const run = await store.getRun(runId);
    const ofRun = run?.steps.filter(({ kind }) => kind === "model") ?? [];
    if (ofRun.at(-1)?.durationMs !== null) return ofRun.length > 0;
    const journals = await Promise.all(
      (await store.listRuns({ limit: 1_000 })).map(({ id }) => store.getRun(id)),
    );
    const begun = journals.flatMap((journal) => journal?.steps ?? []);
    const calls = begun.filter(({ kind }) => kind === "model");
    return asked.requests.length >= calls.length + waits.length;
  }

  /** However long it takes to read what a turn begins with: with fewer asleep one of them is at work. */
  async function atRest(): Promise<void> {
    if (clock.pending < restingLoops) await Promise.race([clock.whenPending(restingLoops), over]);
  }

  async function settle(patience: Patience = "all"): Promise<void> {
    if (patience === "nothing") return;
    for (;;) {
      await atRest();
      const next = happened.promise;
      if (!(await isBusy(patience))) return;
      // An arrived request tells nobody: it is looked for again after a turn.
      await (patience === "all" ? next : Promise.race([next, nextTurn()]));
    }
  }

  async function pass(ms: number, patience: Patience = "all"): Promise<void> {
    await settle(patience);
    let left = ms;
    while (left > 0) {
      // With the heartbeat at work all the time that is left would pass at once.
      await atRest();
      const next = Math.max(0, (clock.nextWakeAt ?? Infinity) - clock.now());
      const step = Math.min(left, next);
      await clock.advance(step);
      left -= step;
      await settle(patience);
    }
  }

  let disposed = false;
  await settle("beats");
  return {
    watch,
    store,
    clock,
    printed,
    beats,
    runs,
    pass,
    settle,
    findings: async () => (await store.listFindings({ all: true, limit: 1_000 })).toReversed(),
    notifications: async () => (await store.listNotifications({ limit: 1_000 })).toReversed(),
    async journal() {
      const all = await store.listRuns({ limit: 1_000 });
      const journals = await Promise.all(all.map(({ id }) => store.getRun(id)));
      return journals.filter((run) => run !== undefined).toReversed();
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      const ended = Promise.resolve(watch[Symbol.asyncDispose]());
      let isEnded = false;
      void ended.finally(() => (isEnded = true));
      // A run that will not end is given up after a while on the clock.
      while (!isEnded) {
        for (let turn = 0; turn < 20 && !isEnded; turn += 1) await nextTurn();
        if (!isEnded && clock.nextWakeAt !== undefined) {
          await clock.advance(clock.nextWakeAt - clock.now());
        }
      }
      await ended;
    },
  };
}

/** An observation of the stage, trusted and critical unless said otherwise. */
export const seen = (key: string, options: Partial<ObservationInput> = {}): ObservationInput => ({
  key,
  severity: "critical",
  title: `${key} needs a look`,
  trust: "trusted",
  ...options,
});
