import { join } from "node:path";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import { openWatch } from "../../src/daemon.ts";
import type { Store } from "../../src/store/index.ts";
import { silentLog } from "../../src/telemetry/log.ts";

/** What one life of the crash tests' watch wrote to its store, and told the owner. */
export interface Life {
  readonly writes: readonly string[];
  readonly printed: readonly string[];
}

export interface LifeOptions {
  readonly folder: string;
  readonly modelUrl: string;
  /** Called just before and just after each write, with its number. */
  readonly meet?: (number: number, when: "before" | "after") => void;
}

const reads =
  /^(status|spendSince|list|get|pending|checkCursor|known|paused|grantUses|unfinished|unsettled|undelivered|approved|answered|planned|held|next|open|told|telling|recall|memoriesAfter|recentRuns|effectsOf|ruleEffects|dayRecord|count|budget|stopped)/;

/** One beat with its run, from the opening of the store to its end. */
export async function liveOneBeat({ folder, modelUrl, meet }: LifeOptions): Promise<Life> {
  const writes: string[] = [];
  const printed: string[] = [];
  const decorateStore = (store: Store): Store =>
    new Proxy(store, {
      get(target, name, receiver) {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof name !== "string" || typeof method !== "function" || reads.test(name))
          return method;
        return async (...given: unknown[]) => {
          const number = writes.push(name);
          meet?.(number, "before");
          const result: unknown = await Reflect.apply(method, target, given);
          meet?.(number, "after");
          return result;
        };
      },
    });
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
    packageInfo: packageInfo(),
    log: silentLog,
    print: (text) => printed.push(text),
    observer: { beat() {}, ran() {}, ruled() {} },
    pid: process.pid,
    decorateStore,
  });
  await watch.beatNow(null);
  return { writes, printed };
}
