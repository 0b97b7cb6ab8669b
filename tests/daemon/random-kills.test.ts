import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { startScriptedModel } from "watchkeeper/testing";
import { packageInfo } from "../../src/config/package.ts";
import { requestBeat, requestWake } from "../../src/control.ts";
import {
  openStore,
  openStoreReader,
  type EffectRecord,
  type StoreReader,
} from "../../src/store/index.ts";
import { databasePath } from "../../src/store/database.ts";
import { busyScript, makeBusyWorld, seededRandom, type BusyWorld } from "./busy-world.ts";
import { look, startDaemon, until } from "./daemon-process.ts";
import { temporaryFolder } from "./harness.ts";

/**
 * kill -9 of the whole daemon at random moments while mail comes in, runs act and the owner approves;
 * afterwards the store is compared with what the world outside has seen. `KILL_SEED` draws the same
 * waits again, `KILLS` says how many.
 */

const kills = Number(process.env.KILLS ?? 200);
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const { migrationsDir } = packageInfo();
/** Side by side, each a daemon with a world and a state directory of its own. */
const lanes = 2;
/** A daemon that has said that it keeps watch lives up to so many times what its start has taken. */
const longestLife = 2;
/** Of all; killed before it has said it. */
const killedAtStart = 0.1;

test(`${kills} random kills under load: nothing lost, nothing found twice, nothing sent twice`, async () => {
  const began = performance.now();
  process.stdout.write(`random kills: KILL_SEED=${seed}\n`);
  const lives = await Promise.allSettled(
    Array.from({ length: lanes }, (_, lane) => liveAndDie(seed + lane, Math.ceil(kills / lanes))),
  );
  // Of one that has failed only when the others have ended: they leave no daemon behind.
  const ends = lives.map(valueOf);
  const names = Object.keys(ends[0] ?? {}) as (keyof Figures)[];
  const figures = Object.fromEntries(
    names.map((name) => [name, ends.reduce((sum, end) => sum + end[name], 0)]),
  );
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(
    `random kills: ${seconds} s, 0 lost, 0 twice, 0 doubled: ${JSON.stringify(figures)}\n`,
  );
  // Kills that meet nobody at work would prove nothing.
  for (const name of ["beats cut", "runs cut", "effects cut", "unknown"] as const) {
    expect([name, figures[name]]).not.toEqual([name, 0]);
  }
}, 600_000);

function valueOf<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

interface Figures {
  readonly kills: number;
  readonly "beats cut": number;
  readonly "runs cut": number;
  readonly "effects cut": number;
  readonly seen: number;
  readonly runs: number;
  readonly told: number;
  readonly done: number;
  readonly failed: number;
  readonly unknown: number;
}

async function liveAndDie(laneSeed: number, lives: number): Promise<Figures> {
  await using folder = await temporaryFolder();
  await using model = await startScriptedModel(busyScript);
  const stateDir = `${folder.path}/state`;
  const options = { folder: folder.path, stateDir, modelUrl: model.baseUrl };
  const world = await makeBusyWorld(folder.path);
  const random = seededRandom(laneSeed);
  let startMs = 300;
  // A machine on which nothing gets on is not given ever more to do.
  const longestRestMs = () => startMs / 3;
  await using load = putUnderLoad((signal) => [
    world.happen(seededRandom(laneSeed + 0.5), longestRestMs, signal),
    giveTheOwnersWord(stateDir, signal),
  ]);
  const killedAt: number[] = [];
  const cut = { beats: 0, runs: 0, effects: 0 };
  let printed = "";
  for (let life = 0; life < lives; life += 1) {
    await using daemon = startDaemon(options);
    const startedAt = performance.now();
    if (random() < killedAtStart) await pause(random() * startMs);
    else {
      await until("it is up", async () => daemon.stderr.includes("keeping watch"), daemon);
      startMs = performance.now() - startedAt;
      void urge(stateDir);
      await pause(random() * longestLife * startMs);
    }
    killedAt.push(Date.now());
    await daemon.kill();
    expect([daemon.stderr, await daemon.exitCode]).toEqual([daemon.stderr, null]);
    printed += daemon.stdout;
    const open = whatIsOpen(stateDir);
    for (const part of ["beats", "runs", "effects"] as const) cut[part] += Math.min(1, open[part]);
  }
  await load.end();

  await using last = startDaemon(options);
  let open: readonly string[] = [];
  const settle = async () => {
    await pause(100);
    open = (await look(stateDir, (store) => unsettled(store, world))) ?? ["no store"];
    return open.length === 0;
  };
  await until("it has settled", settle, last).catch((cause: unknown) => {
    throw new Error(open.join("\n"), { cause });
  });
  last.signal("SIGTERM");
  const code = await last.exitCode;
  expect([last.stderr, code]).toEqual([last.stderr, 0]);
  printed += last.stdout;

  await using store = openStoreReader({ stateDir, migrationsDir });
  const counts = await compare(store!, world, printed, killedAt);
  expect(checkFile(stateDir)).toEqual({ damages: ["ok"], orphans: [], beats: 0, runs: 0 });
  return {
    kills: killedAt.length,
    "beats cut": cut.beats,
    "runs cut": cut.runs,
    "effects cut": cut.effects,
    seen: world.mails.length + world.lines.length,
    ...counts,
  };
}

/** What goes on until it is ended. */
function putUnderLoad(begin: (signal: AbortSignal) => Promise<void>[]) {
  const over = new AbortController();
  const load = Promise.all(begin(over.signal));
  const end = async () => {
    over.abort();
    await load;
  };
  return { end, [Symbol.asyncDispose]: end };
}

/** Asks for one beat after another, until nobody answers. */
async function urge(stateDir: string): Promise<void> {
  try {
    for (;;) await requestBeat(stateDir, null);
  } catch {
    // It was killed.
  }
}

/** Approves most of what they are asked, denies some, as `approve` and `deny` do: beside the daemon. */
async function giveTheOwnersWord(stateDir: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(60);
    // Only a daemon makes a store.
    const asked = await look(stateDir, toldApprovals);
    if (!asked || asked.length === 0) continue;
    await using store = openStore({ stateDir, migrationsDir });
    for (const { id } of asked) {
      const decision = id % 4 === 0 ? "denied" : "approved";
      await store.decideApproval(id, { decision, note: null, at: Date.now() });
    }
    await requestWake(stateDir);
  }
}

/** What waits for the owner's word and they have heard of. */
async function toldApprovals(store: StoreReader) {
  const pending = await store.listApprovals({ all: false, limit: 1_000 });
  if (pending.length === 0) return [];
  // The newest ones; reading all of them each time would keep the model waiting, which answers from here.
  const notifications = await store.listNotifications({ limit: 100 });
  return pending.filter(({ id }) => notifications.some(({ title }) => tellsOf(title, id)));
}

const tellsOf = (title: string, id: number): boolean => title.endsWith(`(approval ${id})`);
const everything = { all: true, limit: 1_000_000 };

function open(stateDir: string): Database.Database & Disposable {
  const database = new Database(databasePath(stateDir), { readonly: true });
  return Object.assign(database, { [Symbol.dispose]: () => void database.close() });
}

/** What a killed daemon was in the midst of. */
function whatIsOpen(stateDir: string) {
  try {
    using database = open(stateDir);
    const count = (query: string) => database.prepare(query).pluck().get() as number;
    return {
      beats: count("select count(*) from beats where finished_at is null"),
      runs: count("select count(*) from runs where finished_at is null"),
      effects: count("select count(*) from effects where state in ('planned', 'sent')"),
    };
  } catch {
    // Killed before it had made its store.
    return { beats: 0, runs: 0, effects: 0 };
  }
}

function checkFile(stateDir: string) {
  using database = open(stateDir);
  const { beats, runs } = whatIsOpen(stateDir);
  return {
    damages: database.prepare("pragma integrity_check").pluck().all(),
    orphans: database.prepare("pragma foreign_key_check").all(),
    beats,
    runs,
  };
}

/** What is still to come, by its name; empty when it has settled. */
async function unsettled(store: StoreReader, world: BusyWorld): Promise<string[]> {
  const [run] = await store.listRuns({ limit: 1 });
  const findings = await store.listFindings(everything);
  const seen = findings.filter(({ skill }) => skill !== "watchkeeper").length;
  const toSee = world.mails.length + world.lines.length - seen;
  const pending = await store.pendingFindings(1_000);
  const notifications = await store.listNotifications(everything);
  const approvals = await store.listApprovals(everything);
  const effects = await store.listEffects(everything);
  return [
    ...(toSee > 0 ? [`${toSee} to be seen`] : []),
    ...(run?.finishedAt === null ? [`run ${run.id} runs`] : []),
    // How a letter ended is only `info`: after the last run it waits for the digest.
    ...pending
      .filter(({ severity }) => severity !== "info")
      .map(({ id, severity, title }) => `finding ${id} (${severity}) undecided: ${title}`),
    ...notifications
      .filter(({ state }) => state !== "delivered")
      .map(({ id, state, title }) => `notification ${id} ${state}: ${title}`),
    ...approvals
      .filter(({ status, effectId }) => status === "approved" && effectId === null)
      .map(({ id }) => `approval ${id} not carried out`),
    ...effects
      .filter(({ finishedAt }) => finishedAt === null)
      .map(({ id, state }) => `effect ${id} ${state}`),
  ];
}

/** The store against the world outside. */
async function compare(
  store: StoreReader,
  world: BusyWorld,
  printed: string,
  killedAt: readonly number[],
) {
  const findings = await store.listFindings(everything);
  const seen = findings.filter(({ skill }) => skill !== "watchkeeper");
  const titles = seen.map(({ title }) => /(?:Message|Reading) \d+/.exec(title)?.[0]);
  expect(titles.toSorted()).toEqual([...world.mails, ...world.lines].toSorted());

  const notifications = await store.listNotifications(everything);
  const told = notifications.flatMap((notification) => notification.findings);
  for (const { id, title } of seen) {
    expect([title, told.filter((findingId) => findingId === id).length]).toEqual([title, 1]);
  }
  const read = printed.replace(/\s+/g, " ");
  for (const { title, state } of notifications) {
    expect([title, state, read.includes(title)]).toEqual([title, "delivered", true]);
  }

  const runs = await store.listRuns(everything);
  expect(runs.filter(({ outcome }) => outcome !== "ok")).toEqual([]);

  const effects = await store.listEffects(everything);
  const counts = { done: 0, failed: 0, unknown: 0 };
  for (const tool of ["note", "post", "book", "letter"]) {
    const deeds = await world.deeds(tool);
    const keys = deeds.map(({ key }) => key);
    const abouts = deeds.map(({ about }) => about);
    // Neither under the same key nor, as another call of another run, under a second one.
    expect([tool, new Set(keys).size, new Set(abouts).size]).toEqual([
      tool,
      keys.length,
      keys.length,
    ]);
    const ofTool = effects.filter((effect) => effect.tool === `deeds_${tool}`);
    const planned = new Set(ofTool.map(({ idempotencyKey }) => idempotencyKey));
    expect(keys.filter((key) => !planned.has(key))).toEqual([]);
    for (const effect of ofTool) {
      const { idempotencyKey, state } = effect;
      const isThere = keys.includes(idempotencyKey);
      if (state === "unknown") expect(wasCut(effect, killedAt)).toBe(true);
      else expect([idempotencyKey, state]).toEqual([idempotencyKey, isThere ? "done" : "failed"]);
      counts[state as keyof typeof counts] += 1;
    }
    // These can find out, or may be called again.
    const unsettled = ofTool.filter(({ state }) => state === "unknown");
    if (tool === "note" || tool === "book") expect(unsettled).toEqual([]);
  }
  const asked = await store.listApprovals(everything);
  for (const { id } of asked) {
    const words = notifications.filter(({ title }) => tellsOf(title, id));
    expect([id, words.length]).toEqual([id, 1]);
  }
  const carriedOut = effects.filter(({ tool }) => tool === "deeds_letter");
  const approved = asked.filter(({ status }) => status === "approved");
  expect(carriedOut.map(({ approvalId }) => approvalId).toSorted()).toEqual(
    approved.map(({ id }) => id).toSorted(),
  );
  return { runs: runs.length, told: notifications.length, ...counts };
}

/** Whether a kill lies between its beginning and its outcome. */
const wasCut = ({ sentAt, finishedAt }: EffectRecord, killedAt: readonly number[]): boolean =>
  killedAt.some((at) => sentAt !== null && finishedAt !== null && sentAt <= at && at <= finishedAt);
