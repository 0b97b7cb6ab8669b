import { statfs } from "node:fs/promises";
import { resolve } from "node:path";
import type { DiskTarget } from "../target.ts";
import { elapsedMs } from "./probe.ts";
import type { Probe } from "./probe.ts";

/** How full the file systems are; each is asked once at a time. */
export interface Disks {
  /** @throws whatever the system says, and the signal's reason */
  space(path: string, signal: AbortSignal): Promise<DiskSpace>;
}

export interface DiskSpace {
  /** For everybody but root, in bytes. */
  readonly free: number;
  readonly total: number;
}

export function createDisks(): Disks {
  // A server that is gone holds the call, and a thread of ours, until it comes back: it must be but one.
  const asked = new Map<string, Promise<DiskSpace>>();
  return {
    async space(path, signal) {
      signal.throwIfAborted();
      const asking = asked.get(path) ?? askSystem(path).finally(() => asked.delete(path));
      asked.set(path, asking);
      asking.catch(() => undefined);
      const aborted = Promise.withResolvers<never>();
      const abort = (): void => aborted.reject(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await Promise.race([asking, aborted.promise]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

async function askSystem(path: string): Promise<DiskSpace> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  // As `df` counts: what only root may use is neither free nor used.
  return { free: bavail * bsize, total: (blocks - bfree + bavail) * bsize };
}

export const probeDisk: Probe<DiskTarget> = async (target, { signal, workshop }) => {
  const started = performance.now();
  let space: DiskSpace;
  try {
    space = await workshop.disks.space(resolve(workshop.baseDir, target.path), signal);
  } catch (error) {
    const reason = pathReasons[(error as NodeJS.ErrnoException).code ?? ""];
    if (reason === undefined) throw error;
    return { ok: false, ms: elapsedMs(started), fault: "down", reason };
  }
  const { free, total } = space;
  const ms = elapsedMs(started);
  const detail = `${bytes(free)} of ${bytes(total)} free (${percent(free, total)})`;
  const { minFree } = target;
  const least = "bytes" in minFree ? minFree.bytes : (total * minFree.percent) / 100;
  if (free >= least) return { ok: true, ms, detail };
  const limit = "bytes" in minFree ? bytes(minFree.bytes) : `${minFree.percent} %`;
  return { ok: false, ms, fault: "down", reason: `${detail}, less than ${limit}` };
};

const pathReasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such path",
  ENOTDIR: "there is no such path",
  EACCES: "path may not be looked at",
  EIO: "disk cannot be read",
  ESTALE: "disk is not mounted any more",
};

const percent = (part: number, whole: number): string =>
  `${whole > 0 ? Math.floor((part / whole) * 1_000) / 10 : 0} %`;

function bytes(count: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  const value = count / 1_000 ** power;
  return `${value.toFixed(value < 10 && power > 0 ? 1 : 0)} ${["B", "KB", "MB", "GB", "TB"][power]}`;
}
