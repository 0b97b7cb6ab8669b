import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as contract from "./contract.ts";
import { createDeedsPlace, sending, type DeedsPlace } from "./deeds.ts";
import { watching, type Place } from "./place.ts";

let deeds: DeedsPlace;
let place: Place;
beforeEach(async () => {
  deeds = await createDeedsPlace();
  place = deeds.place;
});
afterEach(async () => deeds[Symbol.asyncDispose]());

const status = async () => contract.status.parse((await place.json("status")).value);

describe.each([["without a daemon"], ["beside a daemon"]])("%s", (how) => {
  const beside = how === "beside a daemon";

  test("a pause stops the model and every effect, not the checks; resume lifts it", async () => {
    if (beside) await place.start("start").seen(watching);
    await deeds.ring(sending("ann@hill"));
    expect(await status()).toMatchObject({ paused: false, pause: null });
    const asked = deeds.model.requests.length;
    expect(asked).toBeGreaterThan(0);

    const paused = await place.run("pause", "--reason", "holidays");
    expect(paused.exitCode).toBe(0);
    expect(paused.stdout).toMatch(/^paused until `watchkeeper resume` \(holidays\): no model/);
    expect(await status()).toMatchObject({
      paused: true,
      pause: { until: null, reason: "holidays" },
    });
    expect((await place.run("status")).stdout).toMatch(/paused since \d\d:\d\d, .*: holidays\n/);

    const approved = await place.run("approve", "1");
    expect(approved.exitCode).toBe(0);
    expect(approved.stdout.replace(/\s+/g, " ")).toContain(
      "carried out after `watchkeeper resume`",
    );
    await deeds.ring(sending("bob@dale"));
    expect((await place.run("findings", "--all")).stdout.match(/It rings/g)).toHaveLength(2);
    expect(deeds.model.requests).toHaveLength(asked);
    expect(await deeds.lines("sent.txt")).toEqual([]);

    const resumed = await place.run("resume");
    expect(resumed.exitCode).toBe(0);
    expect(resumed.stdout).toMatch(/^resumed\. 1 approved call will be carried out/);
    expect(await status()).toMatchObject({ paused: false, pause: null });
    await deeds.ring();
    expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
    expect(deeds.model.requests.length).toBeGreaterThan(asked);
    expect((await place.run("resume")).stdout).toBe("it was not paused.\n");
  });
});

test("no secret of yours gets into the database with a reason or a note", async () => {
  const key = "sk-very-long-and-secret-0123456789";
  await using own = await createDeedsPlace("{}", { DEEDS_KEY: key });
  const { place: here } = own;
  await own.ring(sending("ann@hill"));
  const paused = await here.json("pause", "--reason", `the key ${key} has leaked`);
  expect(JSON.stringify(paused.value)).not.toContain(key);
  const denied = await here.json("deny", "1", "--note", `not with ${key}`);
  expect(denied.exitCode).toBe(0);
  const database = new Database(join(here.stateDir, "watchkeeper.db"), { readonly: true });
  const reason = database.prepare("select reason from stop_button").pluck().get();
  const note = database.prepare("select note from approvals").pluck().get();
  database.close();
  expect(reason).toMatch(/^the key .+ has leaked$/);
  expect(note).toMatch(/^not with /);
  expect([reason, note].join()).not.toContain(key);
});

test("the stop button works with a configuration that cannot be read", async () => {
  await place.run("beat");
  await place.write("agent.config.ts", "export default {");
  const { exitCode, stderr } = await place.run("pause", "--reason", "holidays");
  expect(exitCode).toBe(0);
  expect(stderr).toContain("your text is kept as you typed it");
  expect(await status()).toMatchObject({ paused: true, pause: { reason: "holidays" } });
});

test("a pause outlives the daemon, and ends by itself when it was for a while", async () => {
  await place.run("beat");
  const { value } = await place.json("pause", "--for", "2h");
  const { pause } = contract.status.pick({ pause: true }).parse(value);
  const length = Date.parse(pause?.until ?? "") - Date.parse(pause?.since ?? "");
  expect(length).toBe(2 * 60 * 60_000);
  await using daemon = place.start("start");
  await daemon.seen(watching);
  expect((await status()).pause).toEqual(pause);
  await place.run("pause", "--for", "1s", "--reason", "a moment");
  const { pause: moment } = await status();
  expect(moment === null || moment.since === pause?.since).toBe(true);
  await expect.poll(async () => (await status()).paused).toBe(false);
});

test("what is no duration is refused, and pauses nothing", async () => {
  await place.run("beat");
  const { exitCode, stderr } = await place.run("pause", "--for", "soon");
  expect(exitCode).toBe(2);
  expect(stderr).toContain('"soon" is not a duration');
  expect((await status()).paused).toBe(false);
});
