import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { createChronicle } from "../../src/cli/chronicle.ts";
import { openLog } from "../../src/cli/open-log.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import { openWatch } from "../../src/daemon.ts";
import { parseDuration } from "../../src/domain/duration.ts";
import { logFiles } from "../../src/telemetry/log-file.ts";
import type { LogLevel } from "../../src/telemetry/log.ts";
import type { Play } from "./fixtures/skills/stage/index.ts";
import { temporaryFolder } from "./harness.ts";
import { restingLoops } from "./resting-loops.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
/** Each beat waits for the disk, so the month has fewer of them than a real one; `QUIET_MONTH_EVERY=5m` has all. */
const every = process.env.QUIET_MONTH_EVERY ?? "1h";
const everyMs = parseDuration(every) ?? expect.fail(every);

test("a month of quiet beats writes a line a week at info, and little at debug", async () => {
  const began = performance.now();
  const info = await liveQuietly(30, "info");
  expect(info.beats).toBeGreaterThanOrEqual((30 * day) / everyMs);
  const said = info.lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(said.length).toBeLessThanOrEqual(5);
  expect(new Set(said)).toEqual(new Set(["weekly backup made"]));
  expect(info.bytes).toBeLessThan(1_000);

  const debug = await liveQuietly(2, "debug");
  const perMonth = (debug.bytes / debug.beats) * ((30 * day) / (5 * minute));
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(
    `quiet month: ${seconds} s, ${JSON.stringify({ beats: info.beats, bytesAtInfo: info.bytes, bytesAtDebug: Math.round(perMonth) })}\n`,
  );
  expect(debug.lines.length).toBeGreaterThanOrEqual(debug.beats);
  expect(perMonth).toBeLessThan(2_000_000);
}, 600_000);

/** Lets a whole watch, its log and its heartbeat, live through days in which nothing is new. */
async function liveQuietly(days: number, level: LogLevel) {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-01T00:00:00Z");
  const play: Play = {
    checks: {
      pump: { every, observe: async () => ({ observations: [], complete: true }) },
      mast: { every, observe: async () => ({ observations: [], cursor: clock.now() }) },
    },
  };
  const info = packageInfo();
  const stage = join(info.root, "tests", "daemon", "fixtures", "skills", "stage");
  const config = resolveConfig(
    { timezone: "UTC", heartbeat: { every }, skills: { [stage]: play } },
    { file: join(folder.path, "agent.config.ts"), environment: {} },
  );
  const stateDir = join(folder.path, "state");
  const err = { isTTY: false, columns: 80, isClosed: false, write() {} };
  const { log, record } = openLog({ err, environment: {}, stateDir }, level, config);
  let beats = 0;
  const chronicle = createChronicle(record);
  const watch = await openWatch({
    ...{ config, stateDir, packageInfo: info, log, clock },
    print: () => expect.fail("nothing is to be told"),
    observer: {
      ...chronicle,
      beat(summary) {
        beats += 1;
        chronicle.beat(summary);
      },
    },
    pid: process.pid,
  });
  void watch.keepWatch();
  const end = clock.now() + days * day;
  while (clock.now() < end) {
    await settled(clock);
    // Of the turns every 20 seconds only the one that brings the beat is lived through.
    const wake = clock.nextWakeAt ?? end;
    const beatAt = Math.max(wake, watch.heartbeat.nextBeatAt());
    clock.set(clock.now() + beatAt - wake);
    await clock.advance(beatAt - clock.now());
  }
  await settled(clock);
  watch.stop();
  await watch[Symbol.asyncDispose]();

  let bytes = 0;
  const lines: string[] = [];
  for (const file of logFiles(stateDir)) {
    const size = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    bytes += size;
    if (size > 0) lines.push(...(await readFile(file, "utf8")).trim().split("\n"));
  }
  return { beats, bytes, lines };
}

/** All sleep again. */
async function settled(clock: FakeClock): Promise<void> {
  await clock.whenPending(restingLoops);
  await nextTurn();
}
