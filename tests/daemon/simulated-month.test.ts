import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import {
  findingIds,
  heldUntil,
  report,
  startScriptedModel,
  text,
  type RecordedRequest,
  type ReplyMaker,
} from "watchkeeper/testing";
import { databasePath } from "../../src/store/database.ts";
import { bundleChild } from "./bundled-child.ts";
import { temporaryFolder } from "./harness.ts";
import { keepAccounts, type Gap } from "./month-accounts.ts";
import { startMonthChannels } from "./month-channels.ts";
import type { ChildOptions, ChildWord, ParentWord } from "./month-child.ts";
import {
  begin,
  clockFile,
  days,
  end,
  makeDeaths,
  makeTroubles,
  makeWorld,
  verdictOn,
} from "./month-world.ts";

/**
 * A month of a daemon on a fake clock: services that go down and flap, more notices than the day's cap has room
 * for, channels that fail in every way, and kill -9 in the middle of it all. Afterwards the store is held against
 * the world and against what the receivers got. `MONTH_SEED` draws another month,
 * `MONTH_DAYS` makes it shorter or longer.
 */

const seed = Number(process.env.MONTH_SEED ?? 11);
const kills = Math.round((50 * days) / 30);
const leastFaults = Math.round((200 * days) / 30);
const interruptionsPerDay = 6;
/** So long a slow model takes for an answer. */
const slowModelMs = 40_000;

test("a simulated month: the cap is kept, nothing critical is late, nothing comes twice, nothing is lost", async () => {
  const began = performance.now();
  process.stdout.write(`simulated month: MONTH_SEED=${seed}\n`);
  await using folder = await temporaryFolder();
  await using program = await bundleChild("month-child");
  const world = makeWorld(seed);
  const troubles = makeTroubles(seed, world);
  const deaths = makeDeaths(seed, kills);
  const gaps: Gap[] = [];
  const cut = { deliveries: 0, runs: 0, beats: 0 };
  let child: ChildProcess | undefined;
  let isDying = false;

  const clockPath = join(folder.path, clockFile);
  const databaseFile = databasePath(join(folder.path, "state"));
  const readTime = (): number => readFileSync(clockPath).readDoubleLE(0);
  /** Kills the daemon when it is time for that. */
  function meet(where: "delivery" | "model"): "before" | "after" | null {
    const death = deaths[gaps.length];
    if (isDying || death?.where !== where || readTime() < death.at) return null;
    isDying = true;
    child?.kill("SIGKILL");
    return death.when;
  }
  await using channels = await startMonthChannels(seed, troubles, async () => meet("delivery"));
  const slow: { until: number; go: () => void }[] = [];
  await using model = await startScriptedModel(
    answerLater(slow, readTime, () => meet("model") !== null),
  );

  async function hear(word: ChildWord): Promise<ParentWord> {
    if (word.say === "end") channels.end(word.channel, word.error);
    else await channels.passTo(word.at);
    if (word.say === "begin") channels.begin(word.channel, word.key);
    if (word.say === "time") {
      for (const { go } of slow.filter(({ until }) => until <= word.at)) go();
      slow.splice(0, slow.length, ...slow.filter(({ until }) => until > word.at));
    }
    const held = [
      ...channels.held(),
      ...slow.map(({ until }) => ({ channel: "model" as const, until })),
    ];
    const until = Math.min(...held.map((each) => each.until));
    return {
      held: held.map(({ channel }) => channel),
      until: Number.isFinite(until) ? until : null,
    };
  }

  writeFileSync(clockPath, Buffer.alloc(8));
  for (let from = begin; ;) {
    const options: ChildOptions = {
      ...{ folder: folder.path, seed, from, to: end, modelUrl: model.baseUrl },
      ...{ channels: channels.settings, interruptionsPerDay },
      ...{ quietHours: "22:00-07:00", digestAt: ["08:30", "18:00"] },
      bounds: troubles.flatMap((trouble) => [trouble.from, trouble.to]).toSorted((a, b) => a - b),
      death: deaths[gaps.length] ?? null,
    };
    isDying = false;
    const life = spawn(process.execPath, [program.path, JSON.stringify(options)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child = life;
    // One after the other, so that answers come in the order of the words.
    let heard: Promise<unknown> = Promise.resolve();
    life.on("message", (word: ChildWord) => {
      heard = heard.then(async () => {
        const answer = await hear(word);
        if (life.connected) life.send(answer, () => undefined);
      });
    });
    const [code, signal] = (await once(life, "close")) as [number | null, NodeJS.Signals | null];
    await heard;
    channels.died();
    slow.splice(0);
    if (signal !== "SIGKILL") {
      expect([code, signal]).toEqual([0, null]);
      break;
    }
    const at = readTime();
    const left = whatIsOpen(databaseFile);
    for (const part of ["deliveries", "runs", "beats"] as const) {
      cut[part] += Math.min(1, left[part].length);
    }
    const downMs = deaths[gaps.length]?.downMs ?? 0;
    from = at + 1_000 + downMs;
    gaps.push({ from: at, to: from, sending: left.deliveries });
  }

  const { broken, figures } = keepAccounts({
    ...{
      databasePath: databaseFile,
      world,
      attempts: channels.attempts,
      gaps,
      interruptionsPerDay,
    },
  });
  const faults = Object.values(channels.faults).reduce((sum, count) => sum + count, 0);
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(
    `simulated month: ${seconds} s, ${JSON.stringify({ days, kills: gaps.length, cut, modelCalls: model.requests.length, faults, faultsByKind: channels.faults, ...figures })}\n`,
  );
  expect(broken).toEqual(Object.fromEntries(Object.keys(broken).map((promise) => [promise, []])));
  expect(gaps.length).toBe(kills);
  expect(faults).toBeGreaterThanOrEqual(leastFaults);
  // Kills that meet nobody at work would prove nothing.
  expect(Object.entries(cut).filter(([, count]) => count === 0)).toEqual([]);
}, 900_000);

/** Judges as the world says; some runs are slow, and those that are urgent do not even report at first. */
const answerLater =
  (slow: { until: number; go: () => void }[], now: () => number, kill: () => boolean): ReplyMaker =>
  (request) => {
    if (kill()) return { kind: "hang" };
    const shown = [...keysOf(request)];
    const [first = 0] = findingIds(request).map(Number);
    const isUrgent = / is down/.test(JSON.stringify(request.body.messages));
    const isSlow = first % (isUrgent ? 2 : 4) === 1;
    const isFirst = request.body.messages.length === 1;
    const reply =
      isSlow && isFirst && isUrgent
        ? text("Let me think.")
        : report({
            verdicts: shown.map(([findingId, verdict]) => ({ findingId, verdict })),
            summary: `${shown.length} findings`,
          });
    if (!isSlow) return reply;
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.push({ until: now() + slowModelMs, go: resolve });
    return heldUntil(promise, reply);
  };

/** Each finding that the request shows, with the verdict on it. */
function* keysOf(request: RecordedRequest): Generator<[string, "notify" | "digest" | "ignore"]> {
  const shown = JSON.stringify(request.body.messages);
  for (const id of findingIds(request)) {
    const from = shown.indexOf(`<finding id=\\"${id}\\"`);
    const [, key] =
      /Here is (notice-\d+)/.exec(shown.slice(from, shown.indexOf("</finding>", from))) ?? [];
    yield [id, key ? verdictOn(key) : "notify"];
  }
}

/** What a killed daemon was in the midst of. */
function whatIsOpen(file: string) {
  const database = new Database(file, { readonly: true });
  const list = (query: string) => database.prepare(query).pluck().all() as string[];
  const open = {
    deliveries: list("select key from deliveries where state = 'sending'"),
    runs: list("select id from runs where finished_at is null"),
    beats: list("select id from beats where finished_at is null"),
  };
  database.close();
  return open;
}
