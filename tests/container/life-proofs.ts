import assert from "node:assert/strict";
import { until } from "../daemon/daemon-process.ts";
import { runOnce, startContainer, type Container } from "./container.ts";
import type { Scene } from "./prove.ts";

interface Finding {
  readonly id: number;
  readonly key: string;
  readonly skill: string;
  readonly title: string;
}
interface Status {
  readonly running: boolean;
  readonly startedAt: string;
  readonly version: string;
  readonly beat: { readonly last: string | null };
}

/** A life of the daemon: started, killed, stopped, moved into another container; nothing lost, nothing twice. */
export async function lifeProofs({ world, setting, prove }: Scene): Promise<void> {
  const subjects: string[] = [];
  const findings = async (container: Container) => {
    const all = await container.ask<Finding[]>("findings", "--all");
    return all.map(({ id, skill, key, title }) => ({ id, skill, key, title }));
  };
  const toldOnce = () => {
    assert.deepEqual(
      subjects.map((subject) => `${subject}: ${world.told(subject)}`),
      subjects.map((subject) => `${subject}: 1`),
    );
  };
  const deliver = async (subject: string) => {
    subjects.push(subject);
    await world.deliver(subject);
  };
  const untilTold = async (subject: string) =>
    until(`the owner is told of ${subject}`, async () => world.told(subject) > 0);
  const lastRun = async () => {
    const { stdout, stderr } = await runOnce(setting, "runs", "--json");
    const [run] = JSON.parse(stdout || "[]") as { outcome: string }[];
    assert.ok(run, stderr);
    return run.outcome;
  };
  /** A beat that began after this. */
  const untilBeaten = async (container: Container) => {
    const since = new Date().toISOString();
    await until("a beat", async () => {
      // Right after its start there is nobody to ask yet.
      const status = await container.ask<Status>("status").catch(() => undefined);
      const last = status?.beat.last ?? null;
      return last !== null && last > since;
    });
  };

  await deliver("Kettle one");
  await using stack = new AsyncDisposableStack();
  let container = await startContainer(setting);
  stack.defer(async () => container[Symbol.asyncDispose]());

  await prove("it starts, and a first beat completes", async () => {
    await until("a beat", () => container.isHealthy());
    const { startedAt } = await container.ask<Status>("status");
    const beats = await container.ask<{ finishedAt: string }[]>("beats");
    const took = Date.parse(beats.at(-1)?.finishedAt ?? "") - Date.parse(startedAt);
    return `${took} ms after the daemon's start, and healthy by /readyz`;
  });

  await prove("status --json inside", async () => {
    const status = await container.ask<Status>("status");
    assert.equal(status.running, true);
    assert.match(status.version, /^\d+\.\d+\.\d+$/);
    return `version ${status.version}`;
  });

  await prove("with secrets from files only, the model is asked and the owner told", async () => {
    await untilTold("Kettle one");
    await until("the shop too", async () => world.told("shop") > 0);
    toldOnce();
    return undefined;
  });

  await prove(
    "killed in the middle of a run, it goes on: the same findings, told once",
    async () => {
      const letGo = world.holdModel();
      await deliver("Kettle two");
      await world.asked("Kettle two");
      const before = await findings(container);
      await container.kill();
      letGo();
      const restartedAt = performance.now();
      await container.start();
      await untilTold("Kettle two");
      const seconds = ((performance.now() - restartedAt) / 1_000).toFixed(1);
      await untilBeaten(container);
      assert.deepEqual(await findings(container), before);
      toldOnce();
      return `told ${seconds} s after the start, ${before.length} findings`;
    },
  );

  await prove("stopped in the middle of a run, it lets the run end, and exits with 0", async () => {
    const letGo = world.holdModel();
    await deliver("Kettle three");
    await world.asked("Kettle three");
    const stopped = container.stop();
    await until("it waits for the run", async () =>
      (await container.logs()).includes("waiting up to 8 s"),
    );
    letGo();
    assert.equal(await stopped, 0);
    assert.equal(world.told("Kettle three"), 1);
    assert.equal(await lastRun(), "ok");
    return undefined;
  });

  await prove("stopped in a run that does not end, it gives the run up in time", async () => {
    await container.start();
    await untilBeaten(container);
    const letGo = world.holdModel();
    await deliver("Kettle four");
    await world.asked("Kettle four");
    const askedAt = performance.now();
    assert.equal(await container.stop(), 0);
    const seconds = (performance.now() - askedAt) / 1_000;
    letGo();
    assert.ok(seconds < 15, `it took ${seconds} s`);
    assert.equal(world.told("Kettle four"), 0);
    assert.equal(await lastRun(), "interrupted");
    return `exit code 0 after ${seconds.toFixed(1)} s, the run interrupted`;
  });

  await prove(
    "a new container on the same volume goes on: the run too, nothing twice",
    async () => {
      const before = await runOnce(setting, "findings", "--all", "--json");
      await container[Symbol.asyncDispose]();
      container = await startContainer(setting);
      await untilTold("Kettle four");
      await untilBeaten(container);
      const known = (JSON.parse(before.stdout) as Finding[]).map(({ id, key }) => `${id} ${key}`);
      const now = (await findings(container)).map(({ id, key }) => `${id} ${key}`);
      assert.deepEqual(now, known);
      toldOnce();
      return `${now.length} findings`;
    },
  );

  await prove("logs reads all that was logged, in the containers before too", async () => {
    const lines = await container.ask<{ level: string; msg: string }[]>("logs", "--limit", "5000");
    const starts = lines.filter(({ msg }) => msg.startsWith("keeping watch"));
    assert.equal(starts.length, 4);
    // What the container itself has collected of this one is the same, as JSON.
    const collected = (await container.logs()).split("\n").filter((line) => line.startsWith("{"));
    const messages = collected.map((line) => (JSON.parse(line) as { msg: string }).msg);
    assert.equal(messages[0], lines.at(-messages.length)?.msg);
    return `${lines.length} lines, ${starts.length} starts`;
  });
}
