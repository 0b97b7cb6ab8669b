import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { measureBackup } from "./backup.ts";
import { measureBeats } from "./beats.ts";
import { fillLargeStore } from "./large-store.ts";
import { printFigures } from "./measure.ts";
import { measureProcesses, measureStatus } from "./processes.ts";

/** `npm run bench`: the figures of docs/performance.md, as a table. */

const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
console.log(`${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${memory}, Node ${process.version}\n`);

const stateDir = mkdtempSync(join(tmpdir(), "watchkeeper-bench-"));
try {
  const processes = await measureProcesses(2_000);
  const beats = await measureBeats();
  const backup = await measureBackup();
  console.error("filling a store with 100,000 beats and 1,000,000 steps…");
  await fillLargeStore(stateDir, { beats: 100_000, steps: 1_000_000 });
  const status = await measureStatus(stateDir);
  printFigures([...processes, ...beats, ...backup, ...status]);
} finally {
  rmSync(stateDir, { recursive: true, force: true });
}
