import type { ResolvedConfig } from "../../config/load.ts";
import { openWatch, type Watch } from "../../daemon.ts";
import { offerControl } from "../../daemon/offer-control.ts";
import { describeError } from "../../domain/errors.ts";
import { ordersSkill } from "../../domain/standing-orders.ts";
import { missingPrices, pricesWith } from "../../model/pricing.ts";
import type { Log, LogLevel } from "../../telemetry/log.ts";
import type { OfferedWeb } from "../../web/offer.ts";
import { createServiceManager } from "../../telemetry/service-manager.ts";
import { systemClock } from "../../domain/clock.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { createChronicle, observers } from "../chronicle.ts";
import { takeNotifySocket } from "../service/notify-socket.ts";
import { createMemoryTidier } from "../tidy-memory.ts";
import { createNarrator } from "../narrator.ts";
import { openLog } from "../open-log.ts";
import { painterFor, plural, wrapLines } from "../text.ts";

export async function start(
  context: CommandContext,
  options: { logLevel: LogLevel },
): Promise<number> {
  const config = await loadConfigFor(context);
  return keepWatch(context, config, options.logLevel);
}

/** Runs the daemon until it is told to stop. */
export async function keepWatch(
  context: CommandContext,
  config: ResolvedConfig,
  logLevel: LogLevel,
): Promise<number> {
  const { out, environment, stateDir, packageInfo } = context;
  const { log, record } = openLog(context, logLevel, config);
  const paint = painterFor(out, environment);
  const told = observers(createNarrator(out, paint, config.timezone), createChronicle(record));
  const tidyMemory = createMemoryTidier();
  const signals = listenForSignals(log);
  const socket = takeNotifySocket(process.env, process.pid);
  const { timezone } = config;
  const manager = socket && createServiceManager({ clock: systemClock, log, timezone, ...socket });
  // A skill may leave a promise behind that nobody waits for: said, and the watch goes on.
  process.on("unhandledRejection", (error) => {
    log.error({ error: describeError(error) }, "something failed that nobody waited for");
  });
  process.on("uncaughtException", (error) => {
    // Nothing is known of the state of this process any more; what is saved is whole.
    log.error({ error: describeError(error) }, "something was thrown that nobody caught; ending");
    process.exit(exit.failed);
  });
  const watch = await openWatch({
    config,
    stateDir,
    packageInfo,
    log,
    print: (text) => out.write(wrapLines(text, out.columns, "        ")),
    observer: {
      ...told,
      beat(summary) {
        told.beat(summary);
        tidyMemory();
      },
      turned: (turn) => manager?.turned(turn),
    },
    pid: process.pid,
  });
  try {
    await using _control = await offerControl(watch, stateDir, log);
    await using web = await offerPage(watch, context, config, log);
    const orders = watch.checks.filter(({ skill }) => skill === ordersSkill).length;
    const checks = watch.checks.length - orders;
    const fields = { pid: process.pid, version: packageInfo.version, stateDir };
    const model =
      watch.withoutModel === null ? "" : `; the rules decide, because ${watch.withoutModel}`;
    log.info(
      fields,
      `keeping watch: ${plural(watch.skills.length, "skill")}, ${plural(checks, "check")}${
        orders > 0 ? `, ${plural(orders, "timed order")}` : ""
      }${model}`,
    );
    if (web?.url) log.info({}, `the page is at ${web.url}/`);
    const models = config.model.chain.map(({ model }) => model);
    for (const missing of missingPrices(models, pricesWith(config.model.prices))) {
      log.warn({}, missing);
    }
    signals.onStop(() => {
      manager?.stopping();
      watch.stop();
    });
    await watch.keepWatch();
    log.info({}, "stopping");
  } finally {
    await watch[Symbol.asyncDispose]();
    await manager?.ended();
    signals.end();
  }
  log.info({}, "stopped");
  return exit.done;
}

async function offerPage(
  watch: Watch,
  { stateDir, packageInfo }: CommandContext,
  config: ResolvedConfig,
  log: Log,
): Promise<OfferedWeb | null> {
  const { web } = config;
  if (!web) {
    await watch.store.recordWeb({ off: "web is switched off in the configuration" });
    return null;
  }
  const { offerWeb } = await import("../../web/offer.ts");
  const { version } = packageInfo;
  const offered = await offerWeb(watch, { config, web, stateDir, version, log });
  const { url, off } = offered;
  await watch.store.recordWeb(url === null ? { off: off ?? "it could not listen" } : { url });
  return offered;
}

/** The first signal stops well, the second at once. */
function listenForSignals(log: Log) {
  let stop: (() => void) | undefined;
  let asked = false;
  const listen = (signal: NodeJS.Signals) => {
    if (asked) process.exit(signal === "SIGINT" ? 130 : 143);
    asked = true;
    log.info({ signal }, "asked to stop; a second signal stops at once");
    stop?.();
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return {
    onStop(handler: () => void) {
      stop = handler;
      if (asked) handler();
    },
    end() {
      process.off("SIGINT", listen);
      process.off("SIGTERM", listen);
    },
  };
}
