import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { backUp } from "../src/store/index.ts";
import { withHeartbeat } from "./beats.ts";
import { fillLargeStore } from "./large-store.ts";
import { timed, type Figure } from "./measure.ts";

/** Beats beside a weekly backup of about 100 MB, in one process as in a daemon. */

const checks = 20;
const gapMs = 20;

export async function measureBackup(): Promise<Figure[]> {
  const stateDir = mkdtempSync(join(tmpdir(), "watchkeeper-bench-"));
  try {
    await fillLargeStore(stateDir, { beats: 60_000, steps: 120_000 });
    return await withHeartbeat(stateDir, checks, async (heartbeat, names) => {
      // From when a beat is due to its end: whatever else has the loop at that moment is part of it.
      const turn = async () =>
        (await timed(() => wait(gapMs).then(() => heartbeat.beatNow(names)))) - gapMs;
      const alone: number[] = [];
      while (alone.length < 200) alone.push(await turn());

      const copy = join(stateDir, "copy.db");
      const rssBefore = residentMegabytes();
      const added: number[] = [];
      const beside: number[] = [];
      const backup = { isMade: false };
      const making = timed(() => backUp(stateDir, copy)).finally(() => (backup.isMade = true));
      while (!backup.isMade) {
        beside.push(await turn());
        added.push(residentMegabytes() - rssBefore);
      }
      const seconds = Math.round((await making) / 1_000);
      const megabytes = Math.round(statSync(copy).size / 1024 ** 2);
      console.error(`a backup of ${megabytes} MB in ${seconds} s, beside ${beside.length} beats`);
      return [
        { name: `beat of ${checks} checks, no backup`, unit: "ms", values: alone, atMost: 50 },
        { name: "the same beside a backup of 100 MB", unit: "ms", values: beside, atMost: 100 },
        {
          name: "RSS that the backup adds, at most",
          unit: "MB",
          values: [Math.max(...added)],
          atMost: 50,
        },
      ];
    });
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const residentMegabytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
