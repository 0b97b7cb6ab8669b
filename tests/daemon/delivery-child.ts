import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import { openWatch } from "../../src/daemon.ts";
import type { Channel } from "../../src/notify/channel.ts";
import type { Store } from "../../src/store/index.ts";
import { silentLog } from "../../src/telemetry/log.ts";

/**
 * One beat with its deliveries in a process of its own, which ends itself with SIGKILL at the given point:
 * `delivery-child FOLDER plain|repeatable|confirming NUMBER`. Points are before and after each write to the store,
 * and before and after a message reaches the owner: a line in the file `arrived`. Number 0 kills nothing. Prints
 * the names of all points, in their order.
 */
const [folder = "", kind = "plain", number = "0"] = process.argv.slice(2);
const points: string[] = [];

function point(name: string): void {
  points.push(name);
  if (points.length === Number(number)) process.kill(process.pid, "SIGKILL");
}

const writes =
  /^(record|register|keep|begin|commit|finish|apply|move|tellNow|fold|set|resolve|close|wake)/;

function decorateStore(store: Store): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof name !== "string" || typeof method !== "function" || !writes.test(name)) {
        return method;
      }
      return async (...given: unknown[]) => {
        point(`before ${name}`);
        const result: unknown = await Reflect.apply(method, target, given);
        point(`after ${name}`);
        return result;
      };
    },
  });
}

const file = join(folder, "arrived");
const recording: Channel = {
  name: "recording",
  repeatable: kind === "repeatable",
  async deliver({ key, title }) {
    point("before arrival");
    appendFileSync(file, `${key} ${title}\n`);
    point("after arrival");
  },
  ...(kind === "confirming" && {
    confirm: async ({ key }) =>
      existsSync(file) && readFileSync(file, "utf8").includes(key) ? "sent" : "not-sent",
  }),
};

{
  await using watch = await openWatch({
    config: resolveConfig(
      { timezone: "UTC", skills: { "./tide": {} } },
      { file: join(folder, "agent.config.ts"), environment: {} },
    ),
    stateDir: join(folder, "state"),
    packageInfo: packageInfo(),
    log: silentLog,
    print: () => undefined,
    observer: { beat() {}, ran() {}, ruled() {} },
    pid: process.pid,
    decorateStore,
    channels: [{ channel: recording, use: "always", severity: "info" }],
  });
  await watch.beatNow(null);
}
process.stdout.write(JSON.stringify(points));
