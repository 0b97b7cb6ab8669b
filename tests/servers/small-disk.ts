import { spawnSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A disk of a few megabytes that can be filled, or made read-only as long as nobody writes to it. Where nothing may be
 * mounted, as in many containers, the kernel's bound on the size of files stands in its place.
 */

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Nothing finds room any more: on the disk, or for what this process writes. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
  /** @returns false where nothing may be mounted */
  remount(how: "ro" | "rw"): boolean;
}

const run = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0;

export async function openSmallDisk({ megabytes = 4 } = {}): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "watchkeeper-disk-"));
  const size = `size=${megabytes}m,mode=755`;
  const isMounted = run("mount", "-t", "tmpfs", "-o", size, "tmpfs", path);
  const filler = join(path, "filler");
  return {
    path,
    async fill() {
      if (!isMounted) {
        refuseWrites(process.pid);
        return;
      }
      // To the last page: what is left of one that was begun is not enough for anybody.
      for (let left = 1; left > 0;) {
        const { bavail, bsize } = statfsSync(path);
        left = bavail;
        if (left > 0) await appendFile(filler, Buffer.alloc(bavail * bsize)).catch(() => undefined);
      }
    },
    async makeRoom() {
      if (isMounted) await rm(filler, { force: true });
      else allowWrites(process.pid);
    },
    remount: (how) => isMounted && run("mount", "-o", `remount,${how}`, path),
    async [Symbol.asyncDispose]() {
      if (!isMounted) allowWrites(process.pid);
      // What is still open keeps it busy: it goes when that is closed.
      else if (!run("umount", path)) run("umount", "--lazy", path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Every write to a file fails from now on, for a process that is ours: EFBIG, an error as of a disk that is breaking. */
export function refuseWrites(pid: number): void {
  limitFiles(pid, "0");
}

export function allowWrites(pid: number): void {
  limitFiles(pid, "unlimited");
}

function limitFiles(pid: number, soft: string): void {
  if (!run("prlimit", `--pid=${pid}`, `--fsize=${soft}:unlimited`)) {
    throw new Error("prlimit of util-linux is needed");
  }
}
