import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { allowWrites, openSmallDisk, refuseWrites } from "../servers/small-disk.ts";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";
import { scriptedChannel } from "./scripted-channel.ts";

/** A store that cannot be written for a while: nothing is lost, nothing comes twice, and the owner hears of it. */

const minute = 60_000;

/** A check that reads a list from where it stopped the last time: what it is not given again is lost. */
function openList() {
  const lines: string[] = [];
  return {
    add: (line: string) => void lines.push(line),
    play: {
      checks: {
        list: {
          every: "1m",
          async observe({ cursor }: { readonly cursor: unknown }) {
            const fresh = lines.slice(Number(cursor ?? 0));
            return {
              observations: fresh.map((line) => seen(line, { severity: "warning" })),
              cursor: lines.length,
            };
          },
        },
      },
    },
  };
}

const countOf = (kept: KeptWatch, outcome: string) =>
  kept.store
    .listBeats({ limit: 1_000 })
    .then((beats) => beats.filter((beat) => beat.outcome === outcome).length);

async function outside() {
  const receiver = await startHttpReceiver();
  return {
    config: {
      notify: { deadMansPing: `${receiver.origin}/ping`, interruptionsPerDay: 100 },
      heartbeat: { every: "1m" },
    },
    last: () => receiver.requests.at(-1)?.path,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

interface Ground {
  readonly path: string;
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
}

async function throughTrouble(ground: Ground, error: RegExp): Promise<void> {
  await using switchOutside = await outside();
  const list = openList();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const phone = scriptedChannel("phone");
  const spare = scriptedChannel("spare");
  const logged: string[] = [];
  await using kept = await keepWatch({
    ...{ folder: ground.path, clock, play: list.play, config: switchOutside.config },
    channels: [
      { channel: phone, use: "always", severity: "info" },
      { channel: spare, use: "fallback", severity: "info" },
    ],
    listen: (line) => logged.push(line),
  });
  const titles = () => phone.arrived.map(({ title }) => title);
  list.add("first");
  await kept.pass(2 * minute);
  expect(titles()).toEqual(["first needs a look"]);
  expect(switchOutside.last()).toBe("/ping");

  await ground.fill();
  try {
    list.add("second");
    await kept.pass(3 * minute);
    expect(switchOutside.last()).toBe("/ping/fail");
    expect(titles().slice(1)).toEqual(["Nothing can be saved: what is seen now is not told"]);
    expect(phone.arrived.at(-1)?.body).toMatch(error);
    list.add("third");
    await kept.pass(3 * 60 * minute);
    // Once, however long it lasts, and the log does not fill what is full already.
    expect(phone.arrived).toHaveLength(2);
    expect(spare.arrived).toEqual([]);
    expect(logged.length).toBeLessThan(20);
    expect((await kept.findings()).map(({ key }) => key)).toEqual(["first"]);
  } finally {
    await ground.makeRoom();
  }
  await kept.pass(3 * minute);
  expect((await kept.findings()).map(({ key }) => key)).toEqual([
    "first",
    "second",
    "third",
    "store",
  ]);
  expect(switchOutside.last()).toBe("/ping");
  expect(titles().slice(2)).toEqual([
    "second needs a look (and 1 more)",
    expect.stringMatching(/^Over after .*: Nothing could be saved$/),
  ]);
  expect(await countOf(kept, "missed")).toBe(1);
  expect(kept.beats.at(-1)).toMatchObject({ outcome: "quiet" });
  const [check] = (await kept.store.status()).checks.filter(({ name }) => name === "stage/list");
  expect(check).toMatchObject({ status: "ok", consecutiveFailures: 0 });
  await kept.pass(60 * minute);
  expect(phone.arrived).toHaveLength(4);
}

test("a full disk: the owner hears of it once, and what came meanwhile is found when there is room", async () => {
  await using disk = await openSmallDisk();
  await throughTrouble(disk, /no space left to write|disk I\/O error/);
});

test("a disk that refuses every write, as one that has become read-only: the same", async () => {
  await using folder = await temporaryFolder();
  const ground = {
    path: folder.path,
    fill: async () => refuseWrites(process.pid),
    makeRoom: async () => allowWrites(process.pid),
  };
  await throughTrouble(ground, /disk I\/O error/);
});

test("a message about it goes to the next channel when the first is down", async () => {
  await using disk = await openSmallDisk();
  const list = openList();
  const phone = scriptedChannel("phone");
  const spare = scriptedChannel("spare");
  phone.mood = "down";
  await using kept = await keepWatch({
    ...{ folder: disk.path, clock: new FakeClock("2026-01-05T09:00:00Z"), play: list.play },
    channels: [
      { channel: phone, use: "always", severity: "info" },
      { channel: spare, use: "fallback", severity: "info" },
    ],
  });
  await disk.fill();
  await kept.pass(10 * minute);
  expect(spare.arrived.map(({ title }) => title)).toEqual([
    "Nothing can be saved: what is seen now is not told",
  ]);
  await disk.makeRoom();
});
