import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { databasePath } from "./database.ts";
import { openStore, openStoreReader } from "./index.ts";
import { commit, migrationsDir, observation, openTemporaryStore, seen } from "./store-fixture.ts";

/** Another process that writes small transactions without a pause until it is killed. */
async function busyWriter(path: string) {
  const script = `
    import Database from "better-sqlite3";
    const db = new Database(${JSON.stringify(path)}, { timeout: 5000 });
    const write = db.prepare("update checks set last_error = ? where name = 'mail/work'");
    let count = 0;
    console.log("writing");
    const turn = () => { for (let i = 0; i < 20; i += 1) write.run(String(count += 1)); setImmediate(turn); };
    turn();
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
}

it("saves every look while another process writes beside it", async () => {
  const { store, stateDir } = await openTemporaryStore();
  await busyWriter(databasePath(stateDir));
  for (let at = 1; at <= 60; at += 1) {
    const looks = ["web/api", "web/shop"].map((check) =>
      seen(check, at, [observation("a", { title: `${at}`, closesAt: at + 1 })], { complete: true }),
    );
    await commit(store, ...looks);
    await store.closeOver(at);
  }
  expect(await store.getFindings([1, 2])).toMatchObject([
    { title: "60", revision: 60 },
    { title: "60", revision: 60 },
  ]);
});

it("sees the owner's word from a command beside the daemon, and the command what the daemon found", async () => {
  const { store, stateDir } = await openTemporaryStore();
  await commit(store, seen("web/api", 1, [observation("a"), observation("b")]));
  await using command = openStore({ stateDir, migrationsDir });
  await using reader = openStoreReader({ stateDir, migrationsDir });
  expect(await command.acknowledge(1, 5)).toMatchObject({ status: "acked" });
  expect((await store.pendingFindings(5)).map(({ id }) => id)).toEqual([2]);
  await commit(store, seen("web/api", 6, [], { gone: ["b"] }));
  expect(await reader?.getFindings([1, 2])).toMatchObject([
    { status: "acked" },
    { status: "resolved" },
  ]);
});
