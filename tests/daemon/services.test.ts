import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callTools, FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";
import { startService } from "./world.ts";

const second = 1_000;
const minute = 60 * second;

test("a dead parent is one message: its children are not told, and history keeps the incident", async () => {
  await using folder = await temporaryFolder();
  await using router = await startService();
  await using web = await startService();
  const clock = new FakeClock();
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    skills: {
      services: {
        every: "30s",
        failureThreshold: 2,
        successThreshold: 2,
        targets: [
          { name: "web", http: web.url, dependsOn: ["router"] },
          { name: "api", http: web.url, dependsOn: ["router"] },
          { name: "router", http: router.url },
        ],
      },
    },
  });
  await kept.pass(minute);
  web.isUp = router.isUp = false;
  await kept.pass(10 * minute);
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]).toContain("router is down");
  expect(kept.beats.at(-1)?.checks.find(({ name }) => name === "services/web")?.notes).toEqual([
    "web: HTTP 503 instead of 2xx; not judged: it depends on router, which is down",
  ]);
  web.isUp = router.isUp = true;
  await kept.pass(5 * minute);
  expect(kept.printed).toHaveLength(2);
  expect(await kept.findings()).toMatchObject([{ check: "services/router", status: "resolved" }]);
});

test("a restart by rule is run without a model, journalled, bounded, and not repeated after a kill", async () => {
  await using folder = await temporaryFolder();
  const restarted = join(folder.path, "restarted");
  await using shop = await startService(() => {
    // What the command does is what brings the shop back.
    if (existsSync(restarted)) shop.isUp = true;
    rmSync(restarted, { force: true });
  });
  const clock = new FakeClock();
  const command = [process.execPath, "-e", 'require("node:fs").writeFileSync("restarted", "")'];
  const options = {
    folder: folder.path,
    clock,
    skills: {
      services: {
        every: "30s",
        failureThreshold: 2,
        successThreshold: 1,
        targets: [
          { name: "shop", http: shop.url, restart: { command, auto: true, maxPerHour: 2 } },
        ],
      },
    },
  };
  {
    await using kept = await keepWatch(options);
    shop.isUp = false;
    await kept.pass(30 * second);
    // The doubt is no reason.
    expect(await kept.store.listEffects({ limit: 10 })).toEqual([]);
    await kept.pass(30 * second);
    const states = async () =>
      (await kept.store.listEffects({ limit: 10 })).map(({ state }) => state);
    await expect.poll(states).toEqual(["done"]);
    expect(await kept.store.listEffects({ limit: 10 })).toMatchObject([
      {
        check: "services/shop",
        tool: "services_restart",
        arguments: { target: "shop" },
        runId: null,
        state: "done",
        error: null,
      },
    ]);
    expect(kept.runs).toEqual([]);
    expect(shop.isUp).toBe(true);
    await kept.pass(minute);
    shop.isUp = false;
    await kept.pass(minute);
    await expect.poll(states).toEqual(["done", "done"]);
    await kept.pass(minute);
  }
  // Another daemon on the same state: it knows what was done within the hour.
  shop.isUp = false;
  await using again = await keepWatch(options);
  await again.pass(10 * minute);
  expect(shop.isUp).toBe(false);
  expect(await again.store.listEffects({ limit: 10 })).toHaveLength(2);
  expect((await again.findings()).map(({ status }) => status)).toEqual([
    "resolved",
    "resolved",
    "open",
  ]);
});

test("a job that reports is left in peace, and missed once when it does not", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "5m" } },
    skills: {
      services: {
        every: "5m",
        targets: [{ name: "backup", push: { every: "30m", grace: "10m" } }],
      },
    },
  });
  const report = (ok: boolean) =>
    kept.store.recordPush({ skill: "services", name: "backup", at: clock.now(), ok, text: "" });
  await kept.pass(20 * minute);
  await report(true);
  await kept.pass(30 * minute);
  await report(true);
  const due = clock.now() + 30 * minute;
  await kept.pass(40 * minute);
  expect(kept.printed).toEqual([]);
  await kept.pass(10 * minute);
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]).toContain("backup has not reported");
  expect(await kept.findings()).toMatchObject([{ key: "down", since: due }]);
  await report(true);
  await kept.pass(5 * minute);
  expect(kept.printed).toHaveLength(2);
  await report(false);
  await kept.pass(10 * minute);
  expect(kept.printed[2]).toContain("the job reported that it failed");
});

test("the agent reads the history that the checks have kept, from before a restart too", async () => {
  await using folder = await temporaryFolder();
  await using shop = await startService();
  const clock = new FakeClock();
  const options = {
    folder: folder.path,
    clock,
    skills: {
      services: {
        every: "1m",
        failureThreshold: 1,
        successThreshold: 1,
        targets: [
          { name: "shop", http: shop.url },
          { name: "rare", http: shop.url, every: "6h" },
        ],
      },
    },
  };
  {
    await using kept = await keepWatch(options);
    await kept.pass(10 * minute);
    shop.isUp = false;
    await kept.pass(5 * minute);
    shop.isUp = true;
    await kept.pass(5 * minute);
  }
  await using model = await startScriptedModel([
    callTools([
      { name: "services_history", input: { target: "shop" } },
      { name: "services_list", input: {} },
    ]),
    reportAll("notify"),
  ]);
  await using kept = await keepWatch({ ...options, model });
  shop.isUp = false;
  await kept.pass(minute);
  const [run] = await kept.journal();
  const [history, list] = (run?.steps ?? [])
    .filter(({ kind }) => kind === "tool")
    .map(({ output }) => JSON.parse(String(output)) as Record<string, unknown>);
  expect(history).toMatchObject({ target: "shop", state: "down", incidentCount: 2 });
  expect(list).toMatchObject({
    total: 2,
    services: [
      { name: "shop", state: "down" },
      { name: "rare", state: "up" },
    ],
  });
});
