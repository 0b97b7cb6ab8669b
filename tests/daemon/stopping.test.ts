import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fault, findingIds, heldUntil, reportAll, startScriptedModel } from "watchkeeper/testing";
import { look, slowSkill, startDaemon, until, writeFiles } from "./daemon-process.ts";
import { temporaryFolder } from "./harness.ts";

/** A set-up with one check that finds something at its first look. */
async function setUp(lookMs: number) {
  const folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...slowSkill(lookMs),
    "agent.config.ts": `
      import { defineConfig } from "watchkeeper";
      export default defineConfig({
        web: { port: 0 },
        heartbeat: { every: "1s", slack: "1s" },
        model: { chain: [{ model: "claude-sonnet-5-5" }] },
        skills: { "./tide": {} },
      });
    `,
  });
  const began = join(folder.path, "began");
  return {
    folder: folder.path,
    stateDir: join(folder.path, "state"),
    /** Whether that process has begun to look. */
    hasBegun: async (pid: number) =>
      (await readFile(began, "utf8").catch(() => "")).split("\n").includes(String(pid)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("SIGTERM lets a run end, tells what it decided, and exits with 0", async () => {
  await using world = await setUp(1);
  const gate = Promise.withResolvers<void>();
  await using model = await startScriptedModel((request, index) =>
    heldUntil(gate.promise, reportAll("notify")(request, index) as ReturnType<typeof fault.hang>),
  );
  await using daemon = startDaemon({ ...world, modelUrl: model.baseUrl });
  await model.nextRequest();
  daemon.signal("SIGTERM");
  await until("it says that it waits", async () => daemon.stderr.includes("waiting up to"), daemon);
  gate.resolve();
  expect(await daemon.exitCode).toBe(0);
  expect(daemon.stderr).toContain("waiting up to 8 s for what is under way to end");
  expect(daemon.stdout).toContain("notice: High tide");
  expect(daemon.stderr).not.toMatch(/^\s+at /m);
  const runs = await look(world.stateDir, (store) => store.listRuns({ limit: 10 }));
  expect(runs).toMatchObject([{ outcome: "ok" }]);
  const status = await look(world.stateDir, (store) => store.status());
  expect(status?.daemon?.stoppedAt).not.toBeNull();
});

test("SIGTERM in the middle of a look that would take long ends at once, and counts it as no failure", async () => {
  await using world = await setUp(25_000);
  await using daemon = startDaemon(world);
  await until("a look has begun", () => world.hasBegun(daemon.pid), daemon);
  daemon.signal("SIGTERM");
  expect(await daemon.exitCode).toBe(0);
  expect(daemon.stderr).not.toContain("waiting up to");
  const status = await look(world.stateDir, (store) => store.status());
  const level = status?.checks.find(({ name }) => name === "tide/level");
  // Had it waited for the look, that would have been its first.
  expect(level).toMatchObject({ status: "ok", lastRunAt: null });
});

test("a second signal stops at once, and the next daemon goes on with the run that it cut off", async () => {
  await using world = await setUp(1);
  await using model = await startScriptedModel((request, index) =>
    index === 0 ? fault.hang() : reportAll("notify")(request, index),
  );
  {
    await using daemon = startDaemon({ ...world, modelUrl: model.baseUrl });
    await model.nextRequest();
    daemon.signal("SIGTERM");
    await until(
      "it says that it waits",
      async () => daemon.stderr.includes("waiting up to"),
      daemon,
    );
    daemon.signal("SIGTERM");
    // Had it waited, this would be the code of a stop in good order.
    expect(await daemon.exitCode).toBe(143);
  }
  await using again = startDaemon({ ...world, modelUrl: model.baseUrl });
  const request = await model.nextRequest();
  expect(findingIds(request)).toEqual(["1"]);
  await until("it is told", async () => again.stdout.includes("notice: High tide"), again);
  again.signal("SIGTERM");
  expect(await again.exitCode).toBe(0);
  const runs = await look(world.stateDir, (store) => store.listRuns({ limit: 10 }));
  expect(runs).toMatchObject([{ outcome: "ok", findings: [1] }]);
  const notifications = await look(world.stateDir, (store) =>
    store.listNotifications({ limit: 10 }),
  );
  expect(notifications).toMatchObject([{ findings: [1], state: "delivered" }]);
});
