import assert from "node:assert/strict";
import { chmod, chown } from "node:fs/promises";
import { until } from "../daemon/daemon-process.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { patiently, startContainer, type Container } from "./container.ts";
import type { Scene } from "./prove.ts";
import { openSmallDisk } from "../servers/small-disk.ts";
import { openSmallWatch } from "./small-watch.ts";

/** A volume that is full: the owner hears of it, and the watch goes on when there is room. */
export async function fullVolumeProofs({ setting, prove }: Scene): Promise<void> {
  await using stack = new AsyncDisposableStack();
  // The log that SQLite writes first grows to four megabytes by itself.
  const disk = stack.use(await openSmallDisk({ megabytes: 16 }));
  await chown(disk.path, 1000, 1000);
  await chmod(disk.path, 0o700);
  let isOpen = true;
  const world = stack.use(
    await startHttpReceiver(({ path }) => ({ status: path === "/shop" && !isOpen ? 500 : 200 })),
  );
  const told = () => world.requests.filter(({ path }) => path === "/told").map(({ body }) => body);
  const toldOf = (words: string) => told().filter((body) => body.includes(words)).length;
  const watch = stack.use(
    await openSmallWatch({
      ...{
        setting,
        name: "full",
        stateDir: disk.path,
        url: `${world.origin}/shop`,
        tellTo: `${world.origin}/told`,
      },
    }),
  );
  const container: Container = stack.use(await startContainer(watch.setting));

  await prove("on a full volume it goes on, tells you once, and is not healthy", async () => {
    await until("a beat", () => container.isHealthy());
    const pid = await container.pid();
    await disk.fill();
    const filledAt = performance.now();
    await patiently("the owner is told", 180, async () => toldOf("Nothing can be saved") > 0);
    const seconds = ((performance.now() - filledAt) / 1_000).toFixed(0);
    assert.equal(toldOf("Nothing can be saved"), 1);
    assert.match(await container.logs(), /no space left to write|disk I\/O error/);
    await patiently("it is not healthy", 60, async () => !(await container.isHealthy()));
    assert.equal(await container.pid(), pid);
    const { exitCode } = await container.exec("watchkeeper", "status");
    assert.equal(exitCode, 4);
    return `told ${seconds} s after it was full`;
  });

  await prove("with room again it sees what came meanwhile, and tells it", async () => {
    isOpen = false;
    await disk.makeRoom();
    const roomAt = performance.now();
    await patiently("the shop is told", 60, async () => toldOf("shop") > 0);
    const seconds = ((performance.now() - roomAt) / 1_000).toFixed(0);
    await until("it is healthy", () => container.isHealthy());
    await patiently("the end is told", 60, async () => toldOf("Nothing could be saved") > 0);
    const beats = await container.ask<{ outcome: string }[]>("beats", "--limit", "1000");
    assert.equal(beats.filter(({ outcome }) => outcome === "missed").length, 1);
    assert.equal((await container.exec("watchkeeper", "db", "check")).exitCode, 0);
    return `after ${seconds} s`;
  });
}
