import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestBeat } from "../src/control.ts";
import { prepareDemoWorld } from "../src/demo/world.ts";
import { packageInfo } from "../src/config/package.ts";
import { timesOf, type Figure } from "./measure.ts";

/** Whole processes, from the bundle: what a user waits for, and what stays in memory. */

const bin = join(packageInfo().root, "bin", "watchkeeper.js");

export async function measureProcesses(manyBeats: number): Promise<Figure[]> {
  await using world = await localWorld();
  const firstBeat: number[] = [];
  const rssAfterFirst: number[] = [];
  for (let index = 0; index < 8; index += 1) {
    const stateDir = world.newStateDir();
    const startedAt = performance.now();
    const daemon = await startDaemon(world.config, stateDir);
    // The first start fills Node's compile cache.
    if (index > 0) {
      firstBeat.push(performance.now() - startedAt);
      rssAfterFirst.push(residentMegabytes(daemon));
    }
    await stop(daemon);
  }

  const stateDir = world.newStateDir();
  const daemon = await startDaemon(world.config, stateDir);
  const samples: number[] = [];
  for (let index = 0; index < manyBeats; index += 1) {
    await requestBeat(stateDir, null);
    if (index % (manyBeats / 10) === 0) samples.push(residentMegabytes(daemon));
  }
  samples.push(residentMegabytes(daemon));
  await stop(daemon);
  console.error(`RSS over ${manyBeats} beats, MB: ${samples.map(Math.round).join(" ")}`);
  return [
    {
      name: "process start to end of first beat, local sources",
      unit: "ms",
      values: firstBeat,
      atMost: 600,
    },
    { name: "RSS after the first beat", unit: "MB", values: rssAfterFirst, atMost: 110 },
    { name: `RSS after ${manyBeats} beats`, unit: "MB", values: samples.slice(-1), atMost: 120 },
  ];
}

/** `status` as a whole process over a store that is given. */
export async function measureStatus(stateDir: string): Promise<Figure[]> {
  const values = await timesOf(11, async () => {
    const child = spawn(process.execPath, [bin, "status", "--json", "--state", stateDir], {
      stdio: "ignore",
    });
    await once(child, "exit");
  });
  return [{ name: "`status`, 100,000 beats and 1,000,000 steps", unit: "ms", values, atMost: 200 }];
}

async function localWorld() {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-bench-"));
  await prepareDemoWorld({ dir, now: new Date(), timezone: "UTC" });
  const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = join(dir, "agent.config.ts");
  writeFileSync(
    config,
    `import { defineConfig } from "watchkeeper";
export default defineConfig({
  timezone: "UTC",
  web: { port: 0 },
  skills: {
    services: { every: "1h", targets: [{ name: "up", http: "http://127.0.0.1:${port}/" }] },
    inbox: { every: "1h", accounts: [{ name: "demo", address: "a@b.example", maildir: "./mail", firstSight: "2d" }] },
    calendar: { every: "1h", sources: [{ name: "demo", ics: "./calendar.ics" }] },
  },
});
`,
  );
  let states = 0;
  return {
    config,
    newStateDir: () => join(dir, `state-${(states += 1)}`),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Resolves at the end of the first beat, when its account is printed. */
async function startDaemon(config: string, stateDir: string): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [bin, "start", "--log-level", "error", "--config", config, "--state", stateDir],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ANTHROPIC_API_KEY: "" } },
  );
  for await (const chunk of child.stdout) if (String(chunk).includes("beat 1:")) break;
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

function residentMegabytes({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
