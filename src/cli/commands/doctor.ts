import type { ResolvedConfig } from "../../config/load.ts";
import { systemClock } from "../../domain/clock.ts";
import { createScrub } from "../../domain/scrub.ts";
import { inspectConfig } from "../config-report.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { channelParts } from "../doctor/channels.ts";
import { openChecks } from "../doctor/checks.ts";
import { diagnoseClock, diagnoseZone } from "../doctor/clock.ts";
import { diagnoseConfigFiles } from "../doctor/configuration.ts";
import { diagnoseDaemon } from "../doctor/daemon.ts";
import { fail, ok, warn, type Diagnosis, type Part } from "../doctor/diagnosis.ts";
import { diagnoseDisk, diagnoseVersion } from "../doctor/machine.ts";
import { serverParts } from "../doctor/mcp-servers.ts";
import { modelParts } from "../doctor/models.ts";
import { diagnoseOrders } from "../doctor/orders.ts";
import { diagnosePage } from "../doctor/page.ts";
import { progressOn } from "../doctor/progress.ts";
import { hearServerTimes } from "../doctor/server-times.ts";
import { diagnoseService } from "../doctor/service.ts";
import { lookSideBySide } from "../doctor/side-by-side.ts";
import { diagnoseDatabase, diagnoseStateDir } from "../doctor/state-directory.ts";
import { askedUnits, refusesMadeUpUsers } from "../service/asked-units.ts";
import { ownersZone } from "../owners-zone.ts";
import { painterFor, quoted, wrap } from "../text.ts";

/** Looks at everything that the watch needs, before it is needed. Nothing is saved but what checks keep for themselves. */
export async function doctor(
  context: CommandContext,
  options: { readonly model?: true },
): Promise<number> {
  using times = hearServerTimes();
  const { config, found: configFound } = await readConfig(context);
  const asked = config && refusesMadeUpUsers() ? askedUnits(config) : [];
  await using checks = config && (await openChecks(context, config));
  const parts: Part[] = [
    { name: "version", look: () => [diagnoseVersion(context)] },
    { name: "state", look: () => diagnoseStateDir(context) },
    { name: "database", look: async () => [await diagnoseDatabase(context)] },
    { name: "disk", look: () => [diagnoseDisk(context)] },
    { name: "config", look: () => configFound },
    ...(config
      ? [
          {
            name: "secrets",
            look: () => diagnoseConfigFiles(config, context.environment),
          },
          ...modelParts(config, { ask: options.model ?? false }),
          { name: "web", look: async () => diagnosePage(config, context) },
          ...(checks?.parts ?? []),
          { name: "standing orders", look: async () => diagnoseOrders(config, context) },
          ...serverParts(config, context.packageInfo.version),
          ...channelParts(config, context),
        ]
      : []),
    { name: "service", look: (signal) => diagnoseService(signal, asked) },
    { name: "daemon", look: async () => diagnoseDaemon(context) },
  ];
  const found = await lookSideBySide(parts, {
    clock: systemClock,
    scrub: createScrub(config?.secrets ?? []),
    progress: progressOn(context.err, context.environment),
  });
  const timezone = config?.timezone ?? (await ownersZone(undefined));
  const all = [
    ...found,
    diagnoseClock(times.heard, { now: Date.now(), timezone }),
    ...diagnoseZone(context.environment, { timezone }),
  ];
  print(all, context);
  return all.some(({ level }) => level === "fail") ? exit.failed : exit.done;
}

/** The config, when it can be used, and what is to be said of it. */
async function readConfig(
  context: CommandContext,
): Promise<{ readonly config: ResolvedConfig | undefined; readonly found: readonly Diagnosis[] }> {
  const name = "config";
  const { problems, warnings, file } = await inspectConfig(context);
  if (problems.length > 0) {
    return { config: undefined, found: problems.map((message) => fail(name, message)) };
  }
  const config = await loadConfigFor(context);
  return {
    config,
    found: [ok(name, file), ...warnings.map((message) => warn(name, message))],
  };
}

function print(found: readonly Diagnosis[], { out, environment, json }: CommandContext): void {
  if (json) {
    out.write(`${JSON.stringify(found, null, 2)}\n`);
    return;
  }
  const paint = painterFor(out, environment);
  const style = { ok: "green", warn: "yellow", fail: "red" } as const;
  for (const { name, level, message } of found) {
    const text = wrap(`${level.padEnd(4)}  ${name}: ${quoted(message)}`, out.columns, "      ");
    out.write(`${text.replace(level, paint(style[level], level))}\n`);
  }
}
