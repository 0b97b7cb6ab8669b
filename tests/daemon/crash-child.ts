import { join } from "node:path";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import { openWatch } from "../../src/daemon.ts";
import type { Store } from "../../src/store/index.ts";
import { silentLog } from "../../src/telemetry/log.ts";

/**
 * One beat with its run in a process of its own, which ends itself with SIGKILL at the given write to
 * the store: `crash-child FOLDER MODEL_URL NUMBER before|after`. Number 0 kills nothing. Prints the
 * names of all writes, in their order.
 */
const [folder = "", modelUrl = "", number = "0", when = "before"] = process.argv.slice(2);
const killAt = Number(number);
const writes: string[] = [];

const reads =
  /^(status|spendSince|list|get|pending|checkCursor|known|paused|grantUses|unfinished|unsettled|undelivered|approved|answered|planned|held|next|open|told|telling|recall|memoriesAfter|recentRuns|effectsOf|ruleEffects|dayRecord|count|budget|stopped)/;

function decorateStore(store: Store): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof name !== "string" || typeof method !== "function" || reads.test(name))
        return method;
      return async (...given: unknown[]) => {
        writes.push(name);
        const isHere = writes.length === killAt;
        if (isHere && when === "before") process.kill(process.pid, "SIGKILL");
        const result: unknown = await Reflect.apply(method, target, given);
        if (isHere) process.kill(process.pid, "SIGKILL");
        return result;
      };
    },
  });
}

const info = packageInfo();
const printed: string[] = [];
{
  await using watch = await openWatch({
    config: resolveConfig(
      {
        timezone: "UTC",
        skills: { "./deeds": {} },
        policy: { grants: [{ tool: "deeds_post", maxPerDay: 10 }] },
        notify: { interruptionsPerDay: 100 },
      },
      {
        file: join(folder, "agent.config.ts"),
        environment: { ANTHROPIC_API_KEY: "sk-test", ANTHROPIC_BASE_URL: modelUrl },
      },
    ),
    stateDir: join(folder, "state"),
    packageInfo: info,
    log: silentLog,
    print: (text) => printed.push(text),
    observer: { beat() {}, ran() {}, ruled() {} },
    pid: process.pid,
    decorateStore,
  });
  await watch.beatNow(null);
}
process.stdout.write(JSON.stringify({ writes, printed }));
