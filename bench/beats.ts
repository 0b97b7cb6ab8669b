import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageInfo } from "../src/config/package.ts";
import { systemClock } from "../src/domain/clock.ts";
import { createHeartbeat, watchedChecks } from "../src/heartbeat/heartbeat.ts";
import type { LoadedCheck } from "../src/skills/load.ts";
import { openStore } from "../src/store/index.ts";
import { silentLog } from "../src/telemetry/log.ts";
import { timesOf, type Figure } from "./measure.ts";

/** Beats in this process, over a store on this disk, with checks that look at nothing. */
export async function measureBeats(): Promise<Figure[]> {
  const quiet = await inNewStore((stateDir) =>
    withHeartbeat(stateDir, 100, (heartbeat) => timesOf(200, () => heartbeat.beatNow([]))),
  );
  const busy = await inNewStore((stateDir) =>
    withHeartbeat(stateDir, 1_000, (heartbeat, names) =>
      timesOf(9, () => heartbeat.beatNow(names)),
    ),
  );
  return [
    { name: "quiet beat, 100 checks not due", unit: "ms", values: quiet, atMost: 5 },
    { name: "beat of 1,000 due trivial checks", unit: "ms", values: busy, atMost: 500 },
  ];
}

async function inNewStore<Value>(work: (stateDir: string) => Promise<Value>): Promise<Value> {
  const stateDir = mkdtempSync(join(tmpdir(), "watchkeeper-bench-"));
  try {
    return await work(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Over the store in that directory, which may hold something. @param count of checks */
export async function withHeartbeat<Value>(
  stateDir: string,
  count: number,
  measure: (
    heartbeat: ReturnType<typeof createHeartbeat>,
    names: readonly string[],
  ) => Promise<Value>,
): Promise<Value> {
  const store = openStore({ stateDir, migrationsDir: packageInfo().migrationsDir });
  const skill = "bench";
  const checks = Array.from({ length: count }, (_, index): LoadedCheck => ({
    name: `${skill}/check-${index}`,
    skill,
    schedule: { kind: "interval", everyMs: 3_600_000 },
    timeoutMs: 10_000,
    log: { debug() {}, info() {}, warn() {} },
    observe: () => Promise.resolve({ observations: [], cursor: index }),
  }));
  const records = await store.registerChecks(
    checks.map(({ name }) => ({ name, skill, schedule: "every 1h" })),
    { at: 0, keepSkills: [] },
  );
  const watched = watchedChecks(checks, records, 60_000);
  const heartbeat = createHeartbeat(watched, {
    store,
    clock: systemClock,
    log: silentLog,
    timezone: "UTC",
    stopping: new AbortController().signal,
    hanging: new Set(),
    tools: new Map(),
    scrub: (text) => text,
    heartbeatEveryMs: 300_000,
    observer: { beat() {} },
    refresh: () => Promise.resolve(watched),
  });
  try {
    return await measure(
      heartbeat,
      checks.map(({ name }) => name),
    );
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
