import type { PackageInfo } from "./config/package.ts";
import type { ResolvedConfig } from "./config/load.ts";
import { openWaysToOwner } from "./daemon/channels.ts";
import { openGround } from "./daemon/ground.ts";
import { openSkills } from "./daemon/skills.ts";
import { openToolbox } from "./daemon/toolbox.ts";
import { systemClock, type Clock } from "./domain/clock.ts";
import { tellInterruptedUndos, undoEffect } from "./effects/undo.ts";
import { createAttendance, type Attendance, type AttendObserver } from "./heartbeat/attend.ts";
import { keepBackground } from "./heartbeat/background.ts";
import type { BeatSummary } from "./heartbeat/beat.ts";
import { consolidation } from "./heartbeat/consolidation.ts";
import { createDeadMansPing } from "./heartbeat/dead-mans-ping.ts";
import {
  createHeartbeat,
  type Heartbeat,
  type HeartbeatObserver,
  type Turn,
} from "./heartbeat/heartbeat.ts";
import { tellOutages } from "./heartbeat/outage.ts";
import { watchStore } from "./heartbeat/store-trouble.ts";
import { keepUpkeep } from "./heartbeat/upkeep.ts";
import { openWatchList } from "./heartbeat/watch-list.ts";
import { createDailyLog } from "./memory/daily-log.ts";
import { chooseModels, isUsable } from "./model/choose.ts";
import { pricesWith } from "./model/pricing.ts";
import { attentionSettings } from "./notify/attention-settings.ts";
import type { ConfiguredChannel } from "./notify/channel.ts";
import type { BrokenSkill, LoadedCheck, LoadedSkill } from "./skills/load.ts";
import { resolveNames } from "./skills/names.ts";
import type { EffectRecord, Store } from "./store/index.ts";
import { skillLog } from "./telemetry/guarded-log.ts";
import type { Log } from "./telemetry/log.ts";

/** A start and a stop: what daemon/ builds is wired, and let go of again in the right order. */

export interface DaemonOptions {
  readonly config: ResolvedConfig;
  readonly stateDir: string;
  readonly packageInfo: PackageInfo;
  readonly log: Log;
  /** The terminal channel. */
  readonly print: (text: string) => void;
  readonly observer: DaemonObserver;
  readonly clock?: Clock;
  /** In the place of those that the config names: tests look at what they are given. */
  readonly channels?: readonly ConfiguredChannel[];
  /** Stands between the daemon and its store: tests end the process there. */
  readonly decorateStore?: (store: Store) => Store;
  /** From 0 up to 1, 1 excluded; spreads the waits before a model is asked again. */
  readonly random?: () => number;
  readonly pid: number;
}

export interface DaemonObserver extends AttendObserver {
  beat(summary: BeatSummary): void;
  turned?(turn: Turn): void;
}

/** A whole watch, wired and at rest: `keepWatch` makes it a daemon, `beatNow` a single beat. */
export interface Watch extends AsyncDisposable {
  readonly store: Store;
  readonly skills: readonly LoadedSkill[];
  readonly broken: readonly BrokenSkill[];
  /** What one-time tokens are made with; null when its file cannot be used. */
  readonly wordSecret: string | null;
  /** Of the skills, and the owner's timed orders as they are now. */
  readonly checks: readonly LoadedCheck[];
  /** Why no model is asked, or null when one is. */
  readonly withoutModel: string | null;
  readonly heartbeat: Heartbeat;
  readonly attendance: Attendance;
  /** Beats until {@link stop}. @throws StoreError when the store is damaged or gone: it has stopped then */
  keepWatch(): Promise<void>;
  /** One beat over the named checks, and its run, to the end. @throws ConfigError for unknown names */
  beatNow(names: readonly string[] | null): Promise<BeatSummary>;
  /** Takes an effect back. @throws WatchkeeperError when it cannot be, with the reason */
  undo(effectId: number): Promise<EffectRecord>;
  /** The owner's word that something has changed: models that refused their key may be asked again. */
  askAgain(): void;
  /** Ends what is going on: looks at once, a run when it has not ended within the bound. */
  stop(): void;
}

/** How long a run and deliveries may go on after the daemon was told to stop. */
const drainMs = 8_000;

/**
 * Takes the state directory and wires a watch on it.
 * @throws StoreError when another process has it, ConfigError when a skill's config is wrong.
 */
export async function openWatch(options: DaemonOptions): Promise<Watch> {
  const { config, stateDir, packageInfo, print } = options;
  const { timezone } = config;
  const clock = options.clock ?? systemClock;
  await using onFailure = new AsyncDisposableStack();

  const ground = onFailure.use(await openGround({ ...options, clock }));
  const { store, log, scrub, wordSecret } = ground;
  const base = { store, clock, log, scrub };
  await tellInterruptedUndos(base);

  // What is looked at.
  const { builtinSkillsDir, version } = packageInfo;
  const loaded = onFailure.use(
    await openSkills(ground, { config, stateDir, builtinSkillsDir, clock }),
  );
  const { skills, broken } = loaded;
  if (config.demo) {
    const warn = (message: string) => log.warn({}, message);
    const world = { ...config.demo, now: clock.now(), timezone, warn };
    const { startDemoWorld } = await import("./demo/index.ts");
    onFailure.use(await startDemoWorld(world));
  }
  const { chain, withoutModel } = chooseModels(config.model.chain, {
    ...{ clock, log },
    random: options.random ?? Math.random,
  });
  const housekeeping = consolidation({
    ...{ store, timezone, hasModel: chain !== undefined },
    log: skillLog(log, "memory"),
  });
  const list = await openWatchList([...skills.flatMap((skill) => skill.checks), housekeeping], {
    ...base,
    stateDir,
    slackMs: config.heartbeat.slackMs,
    brokenSkills: broken.map(({ name }) => name),
    unhurried: new Set([housekeeping]),
  });
  const hurried = () => list.checks.filter((check) => check !== housekeeping);

  // With what it is dealt with, and who hears of it.
  const { tools, prompt } = onFailure.use(
    await openToolbox(ground, { config, skills, stateDir, version, clock }),
  );
  const { channels } = options;
  const ways = openWaysToOwner(ground, { config, skills, stateDir, clock, print, channels });

  const stopping = new AbortController();
  const runStopping = new AbortController();
  const signal = runStopping.signal;
  const { deadMansPing } = config.notify;
  const deadMan = deadMansPing && createDeadMansPing(deadMansPing, { clock, log, scrub, signal });
  const dailyLog = createDailyLog({ ...base, stateDir, timezone });
  onFailure.defer(() => dailyLog.flush());
  const storeWatch = watchStore({ ...base, ...ways, timezone, signal });
  const observer: DaemonObserver & HeartbeatObserver = {
    beat(summary) {
      options.observer.beat(summary);
      if (deadMan) deadMan.beat(summary.outcome === "failed" ? "failed" : "completed");
      dailyLog.beat(summary.outcome !== "quiet");
    },
    turnFailed() {
      if (deadMan) deadMan.beat("failed");
    },
    turned: (turn) => options.observer.turned?.(turn),
    afterTurn: () => storeWatch.afterTurn(),
    ran: (run) => options.observer.ran(run),
    ruled(judged, reason) {
      options.observer.ruled(judged, reason);
      dailyLog.note();
    },
  };

  const heartbeat = createHeartbeat(await list.refresh(), {
    ...{ ...base, timezone, tools, observer },
    stopping: stopping.signal,
    hanging: new Set(),
    heartbeatEveryMs: config.heartbeat.everyMs,
    refresh: () => list.refresh(),
  });
  loaded.wakeBy(heartbeat);
  const { budget, limits, gatherMs, prices } = config.model;
  const attendance = createAttendance(
    {
      ...{ ...base, ...ways, stateDir, tools, prompt, observer, limits, gatherMs },
      model: chain && tellOutages(chain, base),
      withoutModel: withoutModel ?? "",
      modelNames: config.model.chain.filter(isUsable).map(({ model }) => model),
      budget: { caps: budget, prices: pricesWith(prices), timezone },
      attention: attentionSettings(config),
      activeHours: config.heartbeat.activeHours,
      grants: config.policy.grants,
      stopping: stopping.signal,
      signal,
    },
    () => {
      // A run, or what the owner has approved, has ended.
      dailyLog.note();
      heartbeat.wake();
    },
  );

  function stop(): void {
    if (stopping.signal.aborted) return;
    stopping.abort();
    if (attendance.busy()) {
      log.info({}, `waiting up to ${drainMs / 1_000} s for what is under way to end`);
    }
  }
  ground.followedBy({ met: (error) => storeWatch.met(error), lost: stop });

  async function keepWatch(): Promise<void> {
    await Promise.all([
      heartbeat.keepWatch(attendance),
      keepBackground(skills, { clock, log, stopping: stopping.signal }),
      keepUpkeep({
        ...{ store, clock, log, stateDir, timezone, stopping: stopping.signal },
        ...{ retention: config.retention, settings: config.upkeep },
        wake: () => heartbeat.wake(),
      }),
    ]);
    if (!ground.lost) return;
    if (deadMan) deadMan.beat("failed");
    await storeWatch.tellEnd(ground.lost);
    throw ground.lost;
  }

  const held = onFailure.move();
  let watching: Promise<void> | null = null;
  return {
    ...{ store, skills, broken, wordSecret, withoutModel, heartbeat, attendance, stop },
    get checks() {
      return hurried();
    },
    keepWatch() {
      return (watching ??= keepWatch());
    },
    async beatNow(names) {
      await list.refresh();
      // Housekeeping looks when it is named, or at its hour.
      const chosen = resolveNames(names, names === null ? hurried() : list.checks);
      const summary = await heartbeat.beatNow(chosen);
      await attendance.settle(summary.id);
      return summary;
    },
    undo: (effectId) => undoEffect(effectId, { ...base, tools, signal }),
    askAgain() {
      chain?.askAgain();
      heartbeat.wake();
    },
    async [Symbol.asyncDispose]() {
      stop();
      await watching?.catch(() => undefined);
      const patience = new AbortController();
      void clock.sleep(drainMs, patience.signal).then(() => runStopping.abort());
      await attendance.drain();
      await storeWatch.ended();
      if (deadMan) await deadMan.ended();
      patience.abort();
      await held.disposeAsync();
    },
  };
}
