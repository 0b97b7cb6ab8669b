import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callTools, FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, temporaryFolder, type KeptWatch } from "./harness.ts";

/** The items of HEARTBEAT.md that begin with an interval. */

const minute = 60_000;
const hour = 60 * minute;
const midnight = Date.parse("2026-01-05T00:00:00Z");

async function newWorld(orders: string) {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, "state"), { recursive: true, mode: 0o700 });
  const file = join(folder.path, "state", "HEARTBEAT.md");
  const write = (text: string) => writeFile(file, text);
  await write(orders);
  return {
    ...{ folder: folder.path, file, write },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const ordersOf = async (kept: KeptWatch) =>
  (await kept.store.status()).checks.filter(({ skill }) => skill === "standing-orders");

const namesOf = async (kept: KeptWatch) =>
  (await ordersOf(kept)).flatMap(({ name, enabled }) => (enabled ? [name] : []));

const askedOf = (model: { requests: readonly { rawBody: string }[] }) =>
  model.requests.map(({ rawBody }) => [...rawBody.matchAll(/<finding [^]*?<\/finding>/g)].join(""));

test("an order is due every two hours on the grid, and wakes one run that is told which one it is", async () => {
  const backups = "look whether the backups ran";
  await using world = await newWorld(
    `# Orders\n\nNewsletters never matter.\n\n- every 2h: ${backups}\n`,
  );
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel(reportAll("ignore"));
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.settle();
  expect(kept.runs).toMatchObject([{ outcome: "ok" }]);
  expect(await ordersOf(kept)).toMatchObject([
    {
      ...{ name: "standing-orders/look-whether-the-backups-ran", skill: "standing-orders" },
      ...{ status: "ok", schedule: "every 2h", nextDueAt: midnight + 2 * hour },
    },
  ]);
  await kept.pass(90 * minute - 1);
  expect(kept.runs).toHaveLength(1);
  await kept.pass(2 * hour + 1);
  expect(kept.runs).toHaveLength(3);

  const [first, second] = model.requests.map(({ rawBody }) => rawBody);
  expect(first).toContain("Newsletters never matter.");
  expect(first).toContain(`- every 2h: ${backups}`);
  expect(askedOf(model)[0]).toMatch(
    /check=\\"standing-orders\/look-whether-the-backups-ran\\" state=\\"opened\\" severity=\\"notice\\" trust=\\"trusted\\">look whether the backups ran\\nDue now: a standing order, every 2h\.</,
  );
  expect(second).toMatch(/<finding [^>]*state=\\"changed\\"/);
  // One finding all along, and what a run ignores is told to nobody.
  expect(await kept.findings()).toMatchObject([{ title: backups, status: "open", revision: 3 }]);
  expect(await kept.notifications()).toEqual([]);
  const journal = await kept.journal();
  expect(journal.map(({ readUntrusted }) => readUntrusted)).not.toContain(true);
});

test("what is edited, removed and written anew counts without a restart, when the owner has left the file alone for a while", async () => {
  await using world = await newWorld("- every 2h: look at the shelf\n- every 1h: count the mail\n");
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel(reportAll("ignore"));
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.settle();
  expect(askedOf(model)).toEqual([expect.stringMatching(/shelf[^]*count the mail/)]);

  await world.write("- every 2h: look at the sh\n- every 1h: count the mail\n");
  await kept.pass(25_000);
  expect(await namesOf(kept)).toEqual([
    "standing-orders/count-the-mail",
    "standing-orders/look-at-the-sh",
  ]);
  await world.write("- every 1h: count the mail\n- every 2h: look at the shed\n");
  await kept.pass(40_000);
  // The half-written one was nobody's order.
  expect(await namesOf(kept)).toEqual([
    "standing-orders/count-the-mail",
    "standing-orders/look-at-the-shed",
  ]);
  expect((await ordersOf(kept)).map(({ name }) => name)).toEqual([
    "standing-orders/count-the-mail",
    "standing-orders/look-at-the-shed",
    "standing-orders/look-at-the-shelf",
  ]);
  await kept.pass(minute);
  expect(askedOf(model).slice(1)).toEqual([expect.stringMatching(/>look at the shed\\n/)]);
  expect(askedOf(model)[1]).not.toContain("count");

  const before = model.requests.length;
  await rm(world.file);
  await kept.pass(100 * minute);
  expect(await namesOf(kept)).toEqual([]);
  // Over without a word, and what nobody ordered was not missed when it is ordered again.
  expect((await kept.findings()).map(({ status }) => status)).toEqual(Array(3).fill("resolved"));
  expect(model.requests).toHaveLength(before);
  await world.write("- every 1h: count the mail\n");
  await kept.pass(2 * minute);
  expect(model.requests).toHaveLength(before + 1);
  expect(kept.beats.map(({ trigger }) => trigger)).not.toContain("catch-up");
  expect(await kept.notifications()).toEqual([]);
});

test("a restart looks no earlier and no oftener", async () => {
  await using world = await newWorld("- every 2h: look at the shelf\n");
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel(reportAll("ignore"));
  for (const [passed, runs] of [
    [minute, 1],
    [80 * minute, 1],
    [30 * minute, 2],
    // Five times are missed, and caught up once.
    [10 * hour, 2],
    [0, 3],
  ] as const) {
    await using kept = await keepWatch({ ...world, clock, model });
    await kept.settle();
    if (passed === 10 * hour) {
      await kept[Symbol.asyncDispose]();
      await clock.advance(passed);
    } else await kept.pass(passed);
    expect(model.requests).toHaveLength(runs);
  }
});

test("what is due at night joins the run of the morning once", async () => {
  await using world = await newWorld(
    "- every 2h: look at the shelf\n- every 1h: look at the shed\n",
  );
  const clock = new FakeClock(midnight + 3 * hour);
  await using model = await startScriptedModel(reportAll("ignore"));
  const config = { heartbeat: { activeHours: "07:00-03:30" } };
  await using kept = await keepWatch({ ...world, clock, model, config });
  await kept.settle();
  expect(model.requests).toHaveLength(1);
  await kept.pass(4 * hour - 1);
  expect(model.requests).toHaveLength(1);
  await kept.pass(2);
  expect(model.requests).toHaveLength(2);
  expect(model.requests[1]?.rawBody.match(/<finding /g)).toHaveLength(2);
  // Each was looked at as often as it was due.
  const looked = kept.beats.flatMap(({ checks }) => checks.map(({ name }) => name));
  expect(looked.filter((name) => name.endsWith("shed"))).toHaveLength(5);
  expect((await kept.findings()).map(({ status }) => status)).toEqual(["open", "open"]);
});

test("without a model the digest names each order once, and says that nobody looked", async () => {
  await using world = await newWorld("- every 1h: look at the shelf\n");
  const clock = new FakeClock(midnight + 5.5 * hour);
  await using kept = await keepWatch({ ...world, clock });
  await kept.pass(3 * hour);
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]?.match(/look at the shelf/g)).toHaveLength(1);
  expect(kept.printed[0]).not.toContain("Changed:");
  expect(kept.printed[0]).toContain("No model looked at this");
});

test("one order can be asked for by name; acknowledging it counts for that time, snoozing until its end", async () => {
  await using world = await newWorld("- every 2h: look at the shelf\n");
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel(reportAll("digest"));
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.settle();
  await world.write("- every 2h: look at the shelf\n- every 1d: count the mail\n");
  // Also one that was written a moment ago.
  await kept.watch.beatNow(["standing-orders/count-the-mail"]);
  expect(model.requests).toHaveLength(2);
  expect(askedOf(model)[1]).toContain("count the mail");
  await expect(kept.watch.beatNow(["standing-orders/look-at-the-shed"])).rejects.toThrow(
    /there is no check or skill/,
  );
  await kept.store.acknowledge(1, clock.now());
  await kept.pass(90 * minute);
  expect(model.requests).toHaveLength(3);
  await kept.store.snooze(1, clock.now() + 150 * minute);
  await kept.pass(149 * minute);
  expect(model.requests).toHaveLength(3);
  // What was due meanwhile is not lost.
  await kept.pass(6 * minute);
  expect(model.requests).toHaveLength(4);
});

test("what was meant as an order and is none is said once, and that it is mended too", async () => {
  await using world = await newWorld("- every 2x: look at the shelf\n");
  const clock = new FakeClock(midnight + 30 * minute);
  for (const start of [1, 2]) {
    await using kept = await keepWatch({ ...world, clock });
    await kept.pass(start * minute);
    expect(await kept.findings()).toMatchObject([
      {
        ...{ check: "watchkeeper/standing-orders", trust: "trusted", severity: "notice" },
        title: expect.stringMatching(
          /^HEARTBEAT.md, line 1: "every 2x: look at the shelf" does not/,
        ),
        ...{ revision: 1, status: "open" },
      },
    ]);
  }
  await using kept = await keepWatch({ ...world, clock });
  // Nobody is told of what is still being written.
  await world.write("- every 2h: look at the shelf\n- every 5: lo\n");
  await kept.pass(20_000);
  await world.write("- every 2h: look at the shelf\n");
  await kept.pass(minute);
  expect(await kept.findings()).toMatchObject([
    { check: "watchkeeper/standing-orders", status: "resolved", revision: 2 },
    { check: "standing-orders/look-at-the-shelf" },
  ]);
});

test("what was mended while nobody kept watch is over too", async () => {
  await using world = await newWorld("- every 2x: look at the shelf\n");
  const clock = new FakeClock(midnight + 30 * minute);
  {
    await using kept = await keepWatch({ ...world, clock });
    await kept.settle();
  }
  await world.write("Prose only.\n");
  await using kept = await keepWatch({ ...world, clock });
  await kept.settle();
  expect(await kept.findings()).toMatchObject([
    { check: "watchkeeper/standing-orders", status: "resolved" },
  ]);
});

test.each([
  ["a folder", (file: string) => mkdir(file)],
  ["no text", (file: string) => writeFile(file, Buffer.from([0, 1, 2, 0xff]))],
  ["huge", (file: string) => writeFile(file, "- every 1h: look\n".repeat(1_000_000))],
])("a file that is %s harms nobody, and is said", async (_, make) => {
  await using world = await newWorld("");
  await rm(world.file);
  await make(world.file);
  const clock = new FakeClock(midnight);
  await using model = await startScriptedModel(reportAll("ignore"));
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.pass(minute);
  expect(await kept.findings()).toContainEqual(
    expect.objectContaining({ check: "watchkeeper/standing-orders", key: "HEARTBEAT.md" }),
  );
  expect(kept.beats.length).toBeGreaterThan(0);
});

test("a file that cannot be read for a while takes no order back", async () => {
  await using world = await newWorld("- every 1h: look at the shelf\n");
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel(reportAll("ignore"));
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.settle();
  await rm(world.file);
  await mkdir(world.file);
  await kept.pass(45 * minute);
  expect(await namesOf(kept)).toEqual(["standing-orders/look-at-the-shelf"]);
  expect(model.requests).toHaveLength(2);
  expect(await kept.findings()).toContainEqual(
    expect.objectContaining({ title: expect.stringMatching(/HEARTBEAT.md, it cannot be read/) }),
  );
});

test("an order is obeyed with the owner's grants: nothing about it is a stranger's", async () => {
  await using world = await newWorld("- every 1h: note how the day goes\n");
  const clock = new FakeClock(midnight + 30 * minute);
  await using model = await startScriptedModel((request, index) =>
    index === 0
      ? callTools([{ name: "memory_note", input: { text: "Calm." } }])
      : reportAll("ignore")(request, index),
  );
  await using kept = await keepWatch({ ...world, clock, model });
  await kept.settle();
  expect(await kept.store.searchMemories({ text: "calm", limit: 1, now: 0 })).toMatchObject([
    { trust: "trusted" },
  ]);
});

test("one that is due oftener than notices are gathered is not put off for ever", async () => {
  await using world = await newWorld("- every 10m: look at the shelf\n");
  const clock = new FakeClock(midnight + 1);
  await using model = await startScriptedModel(reportAll("ignore"));
  const config = { model: { gather: "1h" } };
  await using kept = await keepWatch({ ...world, clock, model, config });
  await kept.pass(30 * minute);
  expect(model.requests).toHaveLength(3);
});
