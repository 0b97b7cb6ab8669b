import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { acquireLock, isLocked, openStore } from "./index.ts";
import { migrationsDir, temporaryStateDir } from "./store-fixture.ts";

const lockModule = fileURLToPath(new URL("lock.ts", import.meta.url));

/** Another process that holds the lock, though no variable of it does, until it is killed. */
async function holderOf(stateDir: string) {
  const script = `
    import { acquireLock } from ${JSON.stringify(lockModule)};
    console.log(acquireLock(${JSON.stringify(stateDir)}) ? "held" : "refused");
    gc();
    process.stdin.resume();
  `;
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--input-type=module-typescript", "--eval", script],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  expect(String(said).trim()).toBe("held");
  return {
    async kill(): Promise<void> {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

it("has one holder; the second is refused until the first lets go", () => {
  const stateDir = temporaryStateDir();
  expect(isLocked(stateDir)).toBe(false);
  const first = acquireLock(stateDir);
  expect(first).toBeDefined();
  expect(isLocked(stateDir)).toBe(true);
  expect(acquireLock(stateDir)).toBeUndefined();
  first?.release();
  expect(isLocked(stateDir)).toBe(false);
  const second = acquireLock(stateDir);
  expect(second).toBeDefined();
  second?.release();
});

it("is free again the moment its holder was killed", async () => {
  const stateDir = temporaryStateDir();
  const holder = await holderOf(stateDir);
  expect(isLocked(stateDir)).toBe(true);
  expect(acquireLock(stateDir)).toBeUndefined();
  await holder.kill();
  expect(isLocked(stateDir)).toBe(false);
  const mine = acquireLock(stateDir);
  expect(mine).toBeDefined();
  mine?.release();
});

it("does not keep commands from reading and writing the store", async () => {
  const stateDir = temporaryStateDir();
  await holderOf(stateDir);
  await using store = openStore({ stateDir, migrationsDir });
  expect(await store.beginBeat({ trigger: "manual", at: 1 })).toBe(1);
});

it("is not taken in a directory that cannot be", () => {
  expect(() => acquireLock("/dev/null/state")).toThrow(
    expect.objectContaining({ code: "STATE_DIR_UNUSABLE" }),
  );
  expect(isLocked("/dev/null/state")).toBe(false);
});
