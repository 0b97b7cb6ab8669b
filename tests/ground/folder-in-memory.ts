import { accessSync, constants, rmSync, statfsSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const inMemory = "/dev/shm";
const leastBytes = 1024 ** 3;

/**
 * A new folder for a store whose process may be killed, but not its machine: what a process has written is there for the
 * next one also where no disk is waited for at every commit.
 * @returns one on the disk where there is no such room
 */
export const folderInMemory = (prefix: string): Promise<string> =>
  mkdtemp(join(isRoom(inMemory) ? inMemory : tmpdir(), prefix));

/** Large enough, and programs may be run there: containers often forbid it. */
function isRoom(folder: string): boolean {
  const probe = join(folder, `watchkeeper-probe-${process.pid}`);
  try {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(probe, "", { mode: 0o700 });
    accessSync(probe, constants.X_OK);
    return bavail * bsize >= leastBytes;
  } catch {
    return false;
  } finally {
    rmSync(probe, { force: true });
  }
}
