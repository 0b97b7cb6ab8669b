import { createAttendance, type Attendance, type AttendObserver } from "./heartbeat/attend.ts";
import { consolidation } from "./heartbeat/consolidation.ts";
import { keepBackground } from "./heartbeat/background.ts";
import { keepUpkeep } from "./heartbeat/upkeep.ts";
import { createDeadMansPing } from "./heartbeat/dead-mans-ping.ts";
import type { BeatSummary } from "./heartbeat/beat.ts";
import {
  createHeartbeat,
  type Heartbeat,
  type HeartbeatObserver,
  type Turn,
} from "./heartbeat/heartbeat.ts";
import { watchStore, type StoreWatch } from "./heartbeat/store-trouble.ts";
import { openWatchList } from "./heartbeat/watch-list.ts";
import { ownTools } from "./agent/own-tools.ts";
import { buildPrompt, type Prompt } from "./agent/prompt.ts";
import { processBasics } from "./config/process-basics.ts";
import { chooseModels, isUsable } from "./model/choose.ts";
import { channelDependencies } from "./notify/channel-dependencies.ts";
import { guardChannel } from "./notify/guarded-channel.ts";
import { wordSecretOf } from "./notify/word-secret.ts";
import { guardLog, skillLog } from "./telemetry/guarded-log.ts";
import type { PackageInfo } from "./config/package.ts";
import type { ResolvedConfig } from "./config/load.ts";
import { listenForControl } from "./control.ts";
import { startDemoWorld } from "./demo/index.ts";
import { systemClock, type Clock } from "./domain/clock.ts";
import { formatDuration } from "./domain/duration.ts";
import { describeError, StoreError } from "./domain/errors.ts";
import { linkedAbort } from "./domain/linked-abort.ts";
import { whyNoReplies } from "./domain/reply-address.ts";
import { createScrub } from "./domain/scrub.ts";
import { notificationMail } from "./effects/notification-mail.ts";
import { tellInterruptedUndos, undoEffect } from "./effects/undo.ts";
import { tellOutages } from "./heartbeat/outage.ts";
import { pricesWith } from "./model/pricing.ts";
import { openChannels, type ConfiguredChannel } from "./notify/channel.ts";
import { createExtrasFor } from "./notify/word-links.ts";
import type { AttentionSettings } from "./notify/compose.ts";
import { terminalChannel } from "./notify/terminal.ts";
import { resolveNames } from "./skills/names.ts";
import {
  loadSkills,
  toolsOf,
  type BrokenSkill,
  type LoadedCheck,
  type LoadedSkill,
  type LoadedTool,
} from "./skills/load.ts";
import { guardStore } from "./store/guarded.ts";
import {
  acquireLock,
  giveAllToOwner,
  openStore,
  openStoreReader,
  type EffectRecord,
  type Store,
} from "./store/index.ts";
import { createDailyLog } from "./memory/daily-log.ts";
import { serversOf } from "./mcp/settings.ts";
import { watchServers } from "./mcp/servers.ts";
import { reportName } from "./agent/report.ts";
import type { Log } from "./telemetry/log.ts";

/** Builds the adapters, wires them, and sees that everything is let go of again in the right order. */

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

/** How long the start waits for MCP servers; what comes later joins the next run. */
const serversPatienceMs = 10_000;

/** How long a skill may take to let go of what it holds. */
const closeMs = 3_000;

/** How long a run and deliveries may go on after the daemon was told to stop. */
const drainMs = 8_000;

/**
 * Takes the state directory and wires a watch on it.
 * @throws StoreError when another process has it, ConfigError when a skill's config is wrong.
 */
export async function openWatch(options: DaemonOptions): Promise<Watch> {
  const { config, stateDir, packageInfo, pid } = options;
  const clock = options.clock ?? systemClock;
  await using onFailure = new AsyncDisposableStack();

  const lock = acquireLock(stateDir);
  if (!lock) throw await alreadyRunning(stateDir, packageInfo.migrationsDir);
  onFailure.defer(() => lock.release());
  // When all that writes there has ended: pages, MEMORY.md, what skills keep.
  onFailure.defer(() => giveAllToOwner(stateDir));
  const word = wordSecretOf(stateDir);
  const wordSecret = word.secret;
  const scrub = createScrub([...config.secrets, ...(wordSecret === null ? [] : [wordSecret])]);
  const log = guardLog(options.log, scrub);
  if (word.problem !== null) {
    log.error({ error: word.problem }, "approvals can be answered by command only");
  }
  const ground: { watch?: StoreWatch; lost?: StoreError; end?: () => void } = {};
  const opened = openStore(
    { stateDir, migrationsDir: packageInfo.migrationsDir },
    {
      lock,
      onError: (error) => ground.watch?.met(error),
      onUpgraded: (upgrade) => log.info({ ...upgrade }, "the tables of the database were upgraded"),
      onLost(error) {
        ground.lost = error;
        log.error({ error: describeError(error) }, "the store is lost; ending");
        ground.end?.();
      },
    },
  );
  onFailure.use(opened);
  const store = guardStore(options.decorateStore?.(opened) ?? opened, scrub);
  const { version } = packageInfo;
  await store.recordStart({
    pid,
    version,
    at: clock.now(),
    heartbeatMs: config.heartbeat.everyMs,
    timezone: config.timezone,
  });
  onFailure.defer(async () => {
    try {
      await store.recordStop(clock.now());
    } catch (error) {
      if (!ground.lost) log.warn({ error: describeError(error) }, "that it stops cannot be saved");
    }
  });
  await tellInterruptedUndos({ store, clock });
  const early: { look?: (check: string) => void; wake?: () => void } = {};
  const { email } = config.notify.channels;
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir: packageInfo.builtinSkillsDir,
    stateDir,
    // The heartbeat is built over the checks of these skills; before that nobody can look early.
    wake: (check) => early.look?.(check),
    logFor: (skill) => skillLog(log, skill),
    ...(wordSecret !== null && {
      notificationMail: notificationMail({
        secret: wordSecret,
        answers: {
          ...{ store, clock },
          askedAddresses: (email?.to ?? []).map((address) => address.toLowerCase()),
          wake: () => early.wake?.(),
        },
      }),
    }),
  });
  const repliesAt = skills.flatMap((skill) => skill.repliesAt);
  for (const skill of skills) onFailure.defer(() => letGo(skill, clock, log));
  for (const { name, error } of broken) log.error({ skill: name, error }, "skill switched off");
  await store.recordSkillsOff(broken.map(({ name, error }) => ({ name, error })));
  if (config.demo) {
    const { timezone } = config;
    onFailure.use(
      await startDemoWorld({
        ...config.demo,
        now: clock.now(),
        timezone,
        warn: (message) => log.warn({}, message),
      }),
    );
  }

  const { chain, withoutModel } = chooseModels(config.model.chain, {
    clock,
    random: options.random ?? Math.random,
    log,
  });
  const housekeeping = consolidation({
    ...{ store, timezone: config.timezone, hasModel: chain !== undefined },
    log: skillLog(log, "memory"),
  });
  const list = await openWatchList([...skills.flatMap((skill) => skill.checks), housekeeping], {
    ...{ store, clock, log, scrub, stateDir },
    slackMs: config.heartbeat.slackMs,
    brokenSkills: broken.map(({ name }) => name),
    unhurried: new Set([housekeeping]),
  });
  const always = { tools: ownTools({ store, skills, stateDir, log: skillLog(log, "memory") }) };
  const tools = new Map(toolsOf([...skills, always]));
  const servers = watchServers(
    serversOf(config.mcp, { cwd: config.baseDir, basics: processBasics() }),
    {
      ...{ store, clock, log, scrub },
      version,
      taken: new Set([...tools.keys(), reportName]),
      changed: () => void remoteTools().catch(() => undefined),
    },
  );
  onFailure.use(servers);
  /** Brings the tools of servers up to date, in the map that calls and approvals are looked up in. */
  let remote: readonly LoadedTool[] = [];
  async function remoteTools(): Promise<readonly LoadedTool[]> {
    const current = await servers.tools();
    for (const { name } of remote) tools.delete(name);
    for (const tool of current) tools.set(tool.name, tool);
    remote = current;
    return current;
  }
  let built: { readonly of: readonly LoadedTool[]; readonly prompt: Prompt } | undefined;
  async function prompt(): Promise<Prompt> {
    const current = await remoteTools();
    const isSame = current.every((tool, index) => tool === built?.of[index]);
    if (built?.of.length === current.length && isSame) return built.prompt;
    built = { of: current, prompt: buildPrompt(skills, [...always.tools, ...current]) };
    return built.prompt;
  }
  await store.keepToolServers(Object.keys(config.mcp));
  await servers.triedOnce(serversPatienceMs);
  await remoteTools();
  const stopping = new AbortController();
  const runStopping = new AbortController();
  const { deadMansPing } = config.notify;
  const deadMan =
    deadMansPing &&
    createDeadMansPing(deadMansPing, { clock, log, scrub, signal: runStopping.signal });
  const dailyLog = createDailyLog({
    ...{ store, stateDir, clock, log, scrub },
    timezone: config.timezone,
  });
  onFailure.defer(() => dailyLog.flush());
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
    store,
    clock,
    log,
    timezone: config.timezone,
    scrub,
    stopping: stopping.signal,
    hanging: new Set(),
    tools,
    heartbeatEveryMs: config.heartbeat.everyMs,
    observer,
    refresh: () => list.refresh(),
  });
  early.look = (check) => heartbeat.lookEarly(check);
  early.wake = () => heartbeat.wake();
  const signal = runStopping.signal;
  const channels = (
    options.channels ??
    openChannels(
      config.notify.channels,
      channelDependencies(config, {
        stateDir,
        wordSecret,
        clock,
        print: options.print,
        warn: (text) => log.warn({}, text),
      }),
    )
  ).map((configured) => ({ ...configured, channel: guardChannel(configured.channel, scrub) }));
  const lastResort = guardChannel(
    terminalChannel({ print: options.print, timezone: config.timezone }),
    scrub,
  );
  const storeWatch = watchStore({
    ...{ store, channels, lastResort, clock, log, signal },
    timezone: config.timezone,
  });
  ground.watch = storeWatch;
  const publicUrl = config.web ? config.web.publicUrl : undefined;
  const attendance = createAttendance(
    {
      store,
      clock,
      log,
      model: chain && tellOutages(chain, { store, clock, log }),
      withoutModel: withoutModel ?? "",
      modelNames: config.model.chain.filter(isUsable).map(({ model }) => model),
      budget: {
        caps: config.model.budget,
        prices: pricesWith(config.model.prices),
        timezone: config.timezone,
      },
      limits: config.model.limits,
      prompt,
      tools,
      stateDir,
      attention: attentionSettings(config),
      activeHours: config.heartbeat.activeHours,
      gatherMs: config.model.gatherMs,
      channels,
      lastResort,
      extrasFor: createExtrasFor(
        { store, clock },
        {
          ...{ publicUrl, secret: wordSecret },
          repliesCount: whyNoReplies(email?.from, repliesAt) === null,
        },
      ),
      hasLinks: publicUrl !== undefined && wordSecret !== null,
      observer,
      grants: config.policy.grants,
      scrub,
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

  ground.end = stop;
  if (ground.lost) stop();

  async function keepWatch(): Promise<void> {
    await Promise.all([
      heartbeat.keepWatch(attendance),
      keepBackground(skills, { clock, log, stopping: stopping.signal }),
      keepUpkeep({
        ...{ store, clock, log, stateDir, stopping: stopping.signal },
        ...{ timezone: config.timezone, retention: config.retention, settings: config.upkeep },
        wake: () => heartbeat.wake(),
      }),
    ]);
    if (!ground.lost) return;
    if (deadMan) deadMan.beat("failed");
    await storeWatch.tellEnd(ground.lost);
    throw ground.lost;
  }

  const held = onFailure.move();
  const hurried = () => list.checks.filter((check) => check !== housekeeping);
  let watching: Promise<void> | null = null;
  return {
    store,
    skills,
    broken,
    wordSecret,
    get checks() {
      return hurried();
    },
    withoutModel,
    heartbeat,
    attendance,
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
    undo: (effectId) => undoEffect(effectId, { store, clock, log, tools, scrub, signal }),
    askAgain() {
      chain?.askAgain();
      heartbeat.wake();
    },
    stop,
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

/** Whatever the skill makes of it, the rest is let go of too. */
async function letGo(skill: LoadedSkill, clock: Clock, log: Log): Promise<void> {
  using timer = linkedAbort();
  const late = clock.sleep(closeMs, timer.signal).then(() => {
    if (!timer.signal.aborted) throw new Error(`took longer than ${formatDuration(closeMs)}`);
  });
  try {
    await Promise.race([skill.close(), late]);
  } catch (error) {
    log.warn({ skill: skill.name, error: describeError(error) }, "a skill could not let go");
  } finally {
    timer.abort();
  }
}

export const attentionSettings = ({ notify, timezone }: ResolvedConfig): AttentionSettings => ({
  quietHours: notify.quietHours ?? null,
  timezone,
  digestAt: notify.digestAt,
  interruptionsPerDay: notify.interruptionsPerDay,
});

/** Opens `control.sock` for a watch; without it the daemon goes on, only unreachable. */
export async function offerControl(
  watch: Watch,
  stateDir: string,
  log: Log,
): Promise<AsyncDisposable> {
  try {
    return await listenForControl(stateDir, {
      async beat({ checks }) {
        const summary = await watch.beatNow(checks);
        return { beatId: summary.id };
      },
      undo: (effectId) => watch.undo(effectId),
      wake: () => watch.heartbeat.wake(),
      resume: () => watch.askAgain(),
    });
  } catch (error) {
    log.error({ error: describeError(error) }, "commands cannot reach this daemon");
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

async function alreadyRunning(stateDir: string, migrationsDir: string): Promise<StoreError> {
  let pid: number | undefined;
  try {
    await using reader = openStoreReader({ stateDir, migrationsDir });
    pid = (await reader?.status())?.daemon?.pid;
  } catch {
    // Who holds it is a courtesy; that it is held is what counts.
  }
  const who = pid === undefined ? "another process" : `the daemon with pid ${pid}`;
  return new StoreError("DAEMON_RUNNING", `${who} already keeps watch with ${stateDir}`, {
    hint: "Ask it with `watchkeeper status`, or give another directory with --state DIR",
  });
}
