import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dayMs, liveIn } from "../tests/daemon/household.ts";
import { printFigures } from "./measure.ts";
import { measureStatus } from "./processes.ts";

/**
 * `npm run bench:year`: a busy household's year, or `DAYS` of it, through the real daemon and store, with a model
 * that is scripted; beat by beat, without the waits between them. Services are looked at every minute in the last eight days, and every hour before them
 * (`ALL=1`: every minute throughout): of older quiet beats nothing is kept but their number.
 */

const days = Number(process.env.DAYS ?? 365);
const closeDays = process.env.ALL ? days : Math.min(8, days);
const folder = mkdtempSync(join(tmpdir(), "watchkeeper-year-"));
const megabytes = (bytes: number): number => bytes / 1024 ** 2;
const begunAt = performance.now();
try {
  const stateDir = join(folder, "state");
  const sizes: number[] = [];
  const outcome = await liveIn(folder, {
    stretches: [
      { days: days - closeDays, everyMs: 60 * 60_000 },
      { days: closeDays, everyMs: 60_000 },
    ].filter((stretch) => stretch.days > 0),
    mailKeptMs: 14 * dayMs,
    async daily(day, store) {
      const { bytes } = (await store.status()).file;
      sizes.push(megabytes(bytes));
      if (day % Math.ceil(days / 20) !== 0 && day !== days) return;
      const seconds = Math.round((performance.now() - begunAt) / 1_000);
      const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
      console.error(
        `day ${day}: ${megabytes(bytes).toFixed(1)} MB, RSS ${Math.round(rss / 1024)} MB, ${seconds} s`,
      );
    },
  });
  const { beats, mails, runs } = outcome;
  const file = statSync(join(stateDir, "watchkeeper.db")).size;
  console.error(
    `${beats} beats, ${mails} mails, ${runs} runs; file ${megabytes(file).toFixed(1)} MB`,
  );
  const [status] = await measureStatus(stateDir);
  printFigures([
    { name: `database after ${days} days`, unit: "MB", values: sizes.slice(-1), atMost: 200 },
    { name: "largest that it was", unit: "MB", values: [Math.max(...sizes)], atMost: 200 },
    {
      name: "longest transaction of a prune",
      unit: "ms",
      values: outcome.longestPruneMs,
      atMost: 50,
    },
    ...(status ? [{ ...status, name: `\`status\` after ${days} days` }] : []),
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
