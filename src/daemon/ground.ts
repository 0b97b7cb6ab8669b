import type { PackageInfo } from "../config/package.ts";
import type { ResolvedConfig } from "../config/load.ts";
import type { Clock } from "../domain/clock.ts";
import { describeError, StoreError } from "../domain/errors.ts";
import { createScrub, type Scrub } from "../domain/scrub.ts";
import { wordSecretOf } from "../notify/word-secret.ts";
import { guardStore } from "../store/guarded.ts";
import {
  acquireLock,
  giveAllToOwner,
  openStore,
  openStoreReader,
  type Store,
} from "../store/index.ts";
import { guardLog } from "../telemetry/guarded-log.ts";
import type { Log } from "../telemetry/log.ts";

/** What a watch stands on: the state directory, its own alone, and a store and a log that no secret gets into. */

export interface Ground extends AsyncDisposable {
  readonly store: Store;
  readonly log: Log;
  readonly scrub: Scrub;
  /** What one-time tokens are made with; null when its file cannot be used. */
  readonly wordSecret: string | null;
  /** Why the store is lost, as soon as it is. */
  readonly lost: StoreError | undefined;
  /** Who is told of the store's errors from now on, and that it is lost: at once, when it is already. */
  followedBy(follower: GroundFollower): void;
}

export interface GroundFollower {
  met(error: StoreError): void;
  lost(): void;
}

export interface GroundOptions {
  readonly config: ResolvedConfig;
  readonly stateDir: string;
  readonly packageInfo: PackageInfo;
  readonly log: Log;
  readonly clock: Clock;
  readonly decorateStore?: ((store: Store) => Store) | undefined;
  readonly pid: number;
}

/** @throws StoreError when another process has the state directory */
export async function openGround({
  config,
  stateDir,
  packageInfo: { version, migrationsDir },
  clock,
  pid,
  ...options
}: GroundOptions): Promise<Ground> {
  await using held = new AsyncDisposableStack();
  const lock = acquireLock(stateDir);
  if (!lock) throw await alreadyRunning(stateDir, migrationsDir);
  held.defer(() => lock.release());
  // When all that writes there has ended: pages, MEMORY.md, what skills keep.
  held.defer(() => giveAllToOwner(stateDir));

  const { secret: wordSecret, problem } = wordSecretOf(stateDir);
  const scrub = createScrub([...config.secrets, ...(wordSecret === null ? [] : [wordSecret])]);
  const log = guardLog(options.log, scrub);
  if (problem !== null) log.error({ error: problem }, "approvals can be answered by command only");

  let lost: StoreError | undefined;
  let follower: GroundFollower | undefined;
  const opened = openStore(
    { stateDir, migrationsDir },
    {
      lock,
      onError: (error) => follower?.met(error),
      onUpgraded: (upgrade) => log.info({ ...upgrade }, "the tables of the database were upgraded"),
      onLost(error) {
        lost = error;
        log.error({ error: describeError(error) }, "the store is lost; ending");
        follower?.lost();
      },
    },
  );
  held.use(opened);
  const store = guardStore(options.decorateStore?.(opened) ?? opened, scrub);
  await store.recordStart({
    pid,
    version,
    at: clock.now(),
    heartbeatMs: config.heartbeat.everyMs,
    timezone: config.timezone,
  });
  held.defer(async () => {
    try {
      await store.recordStop(clock.now());
    } catch (error) {
      if (!lost) log.warn({ error: describeError(error) }, "that it stops cannot be saved");
    }
  });

  const kept = held.move();
  return {
    ...{ store, log, scrub, wordSecret },
    get lost() {
      return lost;
    },
    followedBy(next) {
      follower = next;
      if (lost) next.lost();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
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
