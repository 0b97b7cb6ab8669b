import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { CommandContext } from "../context.ts";
import { bytes } from "../text.ts";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";

export const diagnoseVersion = ({ packageInfo }: CommandContext): Diagnosis =>
  ok("version", `watchkeeper ${packageInfo.version} on Node ${process.version}`);

const megabyte = 1_000_000;
/** Half a year of a busy watch takes about as much. */
const leastBytes = 200 * megabyte;
/** The next transaction, its journal and a log may not find room. */
const lastBytes = 20 * megabyte;
const leastFiles = 100;

/** Room in the state directory, or where it will be. */
export function diagnoseDisk({ stateDir }: CommandContext): Diagnosis {
  const name = "disk";
  const { bavail, bsize, files, ffree } = statfsSync(nearestExisting(stateDir));
  const free = bavail * bsize;
  if (free < lastBytes) {
    return fail(name, `only ${bytes(free)} free: nothing more can be saved; free some space`);
  }
  // Some file systems do not count files.
  if (files > 0 && ffree < leastFiles) {
    return fail(name, "no more files can be made there; delete some that nobody needs");
  }
  if (free < leastBytes) return warn(name, `only ${bytes(free)} free; free some space`);
  return ok(name, `${bytes(free)} free`);
}

/** The path itself, or the nearest folder above it that is there. */
function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing);
  return existing;
}
