import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { packageInfo } from "../../src/config/package.ts";
import type { ConfiguredChannel } from "../../src/notify/channel.ts";
import { openStoreReader } from "../../src/store/index.ts";
import { statusView } from "../../src/views/status.ts";
import { bundleChild, type BundledChild } from "./bundled-child.ts";
import { writeFiles } from "./daemon-process.ts";
import { keepWatch, seen, temporaryFolder, type WatchOptions } from "./harness.ts";
import { scriptedChannel, type ScriptedChannel } from "./scripted-channel.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

const always = (channel: ScriptedChannel): ConfiguredChannel => ({
  ...{ channel, use: "always", severity: "info" },
});
const fallback = (channel: ScriptedChannel): ConfiguredChannel => ({
  ...always(channel),
  use: "fallback",
});
const titles = ({ arrived }: ScriptedChannel): string[] => arrived.map(({ title }) => title);

/** A watch without a model whose one check sees what the test says. */
async function stage(
  channels: readonly ConfiguredChannel[],
  { every = "10s", config = {} }: { every?: string; config?: WatchOptions["config"] } = {},
) {
  const folder = await temporaryFolder();
  const clock = new FakeClock();
  const sights: ReturnType<typeof seen>[] = [];
  const lookedAt: number[] = [];
  const open = (named = channels) =>
    keepWatch({
      ...{ folder: folder.path, clock, channels: named },
      config: { heartbeat: { every: "20m" }, ...config },
      play: {
        checks: {
          pump: {
            every,
            async observe() {
              lookedAt.push(clock.now());
              return { observations: sights, complete: true };
            },
          },
        },
      },
    });
  return {
    ...{ clock, sights, lookedAt, open, folder: folder.path },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("channels and beats", () => {
  test("a channel that hangs, and one that hears of nothing, delay neither beats nor other channels", async () => {
    const [stuck, fine] = [scriptedChannel("stuck"), scriptedChannel("fine")];
    const deaf = { ...scriptedChannel("deaf"), deliver: () => new Promise<void>(() => undefined) };
    await using place = await stage([always(stuck), always(deaf), always(fine)]);
    const { clock, sights, lookedAt } = place;
    const begin = clock.now();
    stuck.mood = "hang";
    await using kept = await place.open();
    sights.push(seen("pump"));
    await kept.pass(10 * second);
    expect(titles(fine)).toEqual(["pump needs a look"]);
    sights.push(seen("valve"));
    await kept.pass(50 * second);
    expect(titles(fine).slice(0, 2)).toEqual(["pump needs a look", "valve needs a look"]);
    expect(lookedAt).toEqual([0, 10, 20, 30, 40, 50, 60].map((at) => begin + at * second));
  });

  test("whoever asks for a beat waits for the first attempts, and no longer than a bound", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = scriptedChannel("slow");
    const gated = {
      ...slow,
      async deliver(...given: Parameters<typeof slow.deliver>) {
        await gate.promise;
        await slow.deliver(...given);
      },
    };
    await using place = await stage([always(gated)]);
    await using kept = await place.open();
    place.sights.push(seen("pump"));
    let isOver = false;
    const beating = kept.watch.beatNow(null).then(() => (isOver = true));
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect(isOver).toBe(false);
    gate.resolve();
    await beating;
    expect(titles(slow)).toEqual(["pump needs a look"]);

    const dead = { ...scriptedChannel("slow"), deliver: () => new Promise<void>(() => undefined) };
    await using other = await stage([always(dead)]);
    await using stuck = await other.open();
    other.sights.push(seen("pump"));
    const begin = other.clock.now();
    let isGivenUp = false;
    void stuck.watch.beatNow(null).then(() => (isGivenUp = true));
    while (!isGivenUp) await stuck.pass(second, "beats");
    expect(other.clock.now() - begin).toBeLessThanOrEqual(31 * second);
  });

  test("a stop waits for what is under way, within its bound, and the next start finds out the rest", async () => {
    const channel = scriptedChannel("mail", { canConfirm: true });
    await using place = await stage([always(channel)]);
    {
      await using kept = await place.open();
      channel.mood = "hang";
      place.sights.push(seen("pump"));
      await kept.pass(10 * second, "beats");
      expect(channel.tried).toEqual(["pump needs a look"]);
      const asked = place.clock.now();
      await kept[Symbol.asyncDispose]();
      expect(place.clock.now() - asked).toBeLessThanOrEqual(10 * second);
    }
    channel.mood = "ok";
    await using again = await place.open();
    await again.pass(second);
    expect(titles(channel)).toEqual(["pump needs a look"]);
  });
});

describe("a channel that stays down", () => {
  test("is told through another, seen in status, and heard of again when it works", async () => {
    const [down, up] = [scriptedChannel("ntfy"), scriptedChannel("mail")];
    await using place = await stage([always(down), always(up)]);
    await using kept = await place.open();
    const statusNow = async () =>
      statusView({
        ...{ version: "1", now: place.clock.now(), running: true, pause: null, timezone: "UTC" },
        record: await kept.store.status(),
        today: { costUsd: 0, tokens: 0 },
        month: { costUsd: 0, tokens: 0 },
      });
    down.mood = "down";
    place.sights.push(seen("pump"));
    await kept.pass(10 * minute);
    expect(titles(up)).toEqual(["pump needs a look", "Messages do not get through ntfy"]);
    const status = await statusNow();
    expect(status.channels).toMatchObject([
      { name: "ntfy", use: "always", status: "failing", lastError: "it is down", waiting: 1 },
      { name: "mail", status: "ok", failingSince: null, waiting: 0 },
      { name: "terminal", use: "last-resort" },
    ]);
    expect(status.healthy).toBe(true);
    up.mood = "down";
    place.sights.push(seen("valve"));
    await kept.pass(10 * minute);
    expect((await statusNow()).problems).toEqual(["no channel works: messages do not reach you"]);

    [down.mood, up.mood] = ["ok", "ok"];
    await kept.pass(30 * minute);
    expect((await statusNow()).healthy).toBe(true);
    expect(titles(down)).toContain("pump needs a look");
    expect(titles(down)).not.toContain("Messages do not get through ntfy");
    expect(titles(up)).toContainEqual(expect.stringMatching(/^Over after .* through ntfy/));
    const all = [...down.arrived, ...up.arrived].map(({ key }) => key);
    expect(new Set(all).size).toBe(all.length);
  });

  test("hands on to the next one, critical at once; the terminal is the last and does not end the trying", async () => {
    const [first, next] = [scriptedChannel("ntfy"), scriptedChannel("mail")];
    await using place = await stage([always(first), fallback(next)]);
    await using kept = await place.open();
    [first.mood, next.mood] = ["down", "down"];
    place.sights.push(seen("pump"));
    await kept.pass(10 * second);
    expect([first.tried.length, next.tried.length]).toEqual([1, 1]);
    expect(kept.printed.join()).toContain("pump needs a look");
    next.mood = "ok";
    await kept.pass(10 * minute);
    expect(titles(next)).toContain("pump needs a look");
    expect(titles(first)).toEqual([]);
  });

  test("and is then taken out of the config: what waits for it goes to the others", async () => {
    const [gone, added] = [scriptedChannel("ntfy"), scriptedChannel("mail")];
    await using place = await stage([always(gone)]);
    gone.mood = "down";
    place.sights.push(seen("pump", { severity: "warning" }));
    {
      await using kept = await place.open();
      await kept.pass(minute);
    }
    await using again = await place.open([always(added)]);
    await again.pass(minute);
    expect(titles(added)).toEqual(["pump needs a look"]);
    const rows = await again.store.undelivered();
    expect(rows).toEqual([]);
  });
});

describe("what may not have arrived", () => {
  const digests = ["09:30", "10:00", "10:30"];
  const rarely = { every: "20m", config: { notify: { digestAt: digests } } };

  test("is told with the next message, critical as it was, once", async () => {
    const channel = scriptedChannel("chat");
    await using place = await stage([always(channel)], rarely);
    channel.mood = ({ title }) => (title.startsWith("You may") ? "ok" : "cut");
    place.sights.push(seen("pump"), seen("hum", { severity: "warning" }));
    await using kept = await place.open();
    await kept.pass(minute);
    expect(titles(channel)).toEqual(["You may not have been told: pump needs a look (and 1 more)"]);
    channel.mood = "ok";
    await kept.pass(hour);
    expect(titles(channel).filter((title) => title.startsWith("You may"))).toHaveLength(1);
  });

  test("waits for the digest when it is not critical", async () => {
    const channel = scriptedChannel("chat");
    await using place = await stage([always(channel)], rarely);
    channel.mood = "cut";
    place.sights.push(seen("whirr", { severity: "warning" }));
    await using kept = await place.open();
    await kept.pass(minute);
    channel.mood = "ok";
    await kept.pass(31 * minute);
    expect(channel.arrived).toMatchObject([
      {
        kind: "digest",
        body: expect.stringContaining("You may not have been told: whirr needs a look"),
      },
    ]);
  });

  test("ends in no loop on a channel where nothing is ever known", async () => {
    const channel = scriptedChannel("chat");
    await using place = await stage([always(channel)], rarely);
    channel.mood = "lost";
    place.sights.push(seen("pump"));
    await using kept = await place.open();
    await kept.pass(3 * hour);
    expect(new Set(channel.arrived.map(({ key }) => key)).size).toBe(channel.arrived.length);
    const doubt = "You may not have been told: pump needs a look";
    expect(channel.tried.slice(0, 2)).toEqual(["pump needs a look", doubt]);
    // What stays critical is reminded of all the same: those messages come again, and are not doubted.
    const others = channel.tried.slice(2);
    expect(others.filter((title) => title.startsWith("You may not"))).toEqual([]);
    expect(others.some((title) => title.startsWith("Still open"))).toBe(true);
    expect(others.length).toBeLessThan(5);
  });
});

describe("kill -9 at every point of a delivery", () => {
  let child: BundledChild;
  beforeAll(async () => {
    child = await bundleChild("delivery-child");
  });
  afterAll(() => child[Symbol.asyncDispose]());

  const { root, migrationsDir } = packageInfo();
  const skill = {
    "tide/SKILL.md": "---\nname: tide\ndescription: Watches the tide.\n---\n",
    "tide/index.ts": `
      import { defineSkill } from ${JSON.stringify(join(root, "dist", "index.js"))};
      export default defineSkill({
        checks: () => ({
          level: {
            every: "1h",
            observe: async () => ({
              observations: [{ key: "high", severity: "critical", title: "High tide", trust: "trusted" }],
              complete: true,
            }),
          },
        }),
      });
    `,
  };

  async function run(folder: string, kind: string, number: number) {
    const started = spawn(process.execPath, [child.path, folder, kind, String(number)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    started.stdout.on("data", (chunk) => (out += String(chunk)));
    const [, signal] = (await once(started, "close")) as [number, NodeJS.Signals | null];
    return { signal, points: (out ? JSON.parse(out) : []) as string[] };
  }

  async function place() {
    const folder = await temporaryFolder();
    await writeFiles(folder.path, skill);
    return {
      folder: folder.path,
      /** Keys and titles of what reached the owner. */
      arrived: async () =>
        (await readFile(join(folder.path, "arrived"), "utf8").catch(() => ""))
          .split("\n")
          .filter(Boolean)
          .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  }

  test.for(["plain", "repeatable", "confirming"])(
    "on a channel that is %s",
    { timeout: 300_000 },
    async (kind: string) => {
      let points: string[];
      {
        await using calm = await place();
        points = (await run(calm.folder, kind, 0)).points;
        expect((await calm.arrived()).map(([, title]) => title)).toEqual(["High tide"]);
      }
      // Before it is begun, and after its outcome is saved, no channel makes a difference.
      const from = points.indexOf(
        kind === "plain" ? "before applyVerdicts" : "before beginDelivery",
      );
      const to = kind === "plain" ? points.length - 1 : points.indexOf("after finishDelivery");
      const [begun, ended] = [
        points.indexOf("after beginDelivery"),
        points.indexOf("before finishDelivery"),
      ];
      expect(points.slice(begun, ended + 1)).toEqual([
        ...["after beginDelivery", "before arrival", "after arrival", "before finishDelivery"],
      ]);
      const counts = { points: 0, doubted: 0, repeated: 0 };
      for (const [index, name] of points.entries()) {
        if (index < from || index > to) continue;
        await using here = await place();
        const point = `${name} (${index + 1})`;
        const first = await run(here.folder, kind, index + 1);
        const hadArrived = (await here.arrived()).length === 1;
        const second = await run(here.folder, kind, 0);
        expect([point, first.signal, second.signal]).toEqual([point, "SIGKILL", null]);
        expect([point, hadArrived]).toEqual([point, index > begun + 1]);

        const arrived = await here.arrived();
        const keys = new Set(arrived.map(([key]) => key));
        const isBetween = index >= begun && index <= ended;
        const tide = arrived.filter(([, title]) => title === "High tide");
        const doubts = arrived.filter(([, title]) => title?.startsWith("You may not have"));
        // The owner hears of it, whatever happens.
        expect([point, tide.length + doubts.length > 0]).toEqual([point, true]);
        expect([point, new Set(tide.map(([key]) => key)).size]).toEqual([
          point,
          Math.min(1, tide.length),
        ]);
        if (kind !== "repeatable") expect([point, arrived.length]).toEqual([point, keys.size]);
        if (kind === "confirming") expect([point, tide.length]).toEqual([point, 1]);
        expect([point, doubts.length]).toEqual([point, kind === "plain" && isBetween ? 1 : 0]);

        await using store = openStoreReader({
          stateDir: join(here.folder, "state"),
          migrationsDir,
        });
        const told = await store?.getNotification(1);
        expect([point, told?.state]).toEqual([point, doubts.length > 0 ? "untold" : "delivered"]);
        expect([point, (await store?.status())?.undelivered]).toEqual([point, 0]);
        counts.points += 1;
        counts.doubted += doubts.length;
        counts.repeated += Math.max(0, tide.length - 1);
      }
      process.stdout.write(`delivery kills, ${kind}: ${JSON.stringify(counts)}\n`);
    },
  );
});
