import { existsSync, readFileSync } from "node:fs";
import { describeError, isWatchkeeperError } from "../../domain/errors.ts";
import { exit, type CommandContext } from "../context.ts";
import { unitName, unitPath } from "../service/plan.ts";
import { openSystemctl, type Scope, type UnitState } from "../service/systemctl.ts";
import { stateDirIn } from "../service/unit.ts";
import { painterFor, plural, quoted, wrap } from "../text.ts";
import { readStatus } from "./status.ts";
import type { ServiceOptions } from "./service.ts";

/** How the service stands: what systemd says of it, and what the watch says of itself. */
export async function serviceStatus(
  context: CommandContext,
  options: Pick<ServiceOptions, "user">,
): Promise<number> {
  const scope = options.user ? "user" : "system";
  const view = await readService(scope, context);
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(render(view, context));
  if (view.pid === null) return exit.notRunning;
  return view.problems.length === 0 ? exit.done : exit.notHealthy;
}

interface ServiceView {
  readonly scope: Scope;
  readonly unit: string;
  readonly installed: boolean;
  readonly enabled: boolean;
  /** As systemd has it. */
  readonly active: string;
  readonly pid: number | null;
  readonly restarts: number;
  /** The daemon's own word to systemd. */
  readonly text: string;
  readonly stateDir: string | null;
  /** Null when this user may not read what the watch says of itself. */
  readonly healthy: boolean | null;
  readonly problems: readonly string[];
}

async function readService(scope: Scope, context: CommandContext): Promise<ServiceView> {
  const unit = unitPath(scope, context);
  const stateDir = stateDirOf(unit);
  const place = { scope, unit, stateDir };
  const nothing = { enabled: false, active: "inactive", pid: null, restarts: 0, text: "" };
  let state: UnitState;
  try {
    state = await openSystemctl(scope).show(unitName);
  } catch (error) {
    if (!isWatchkeeperError(error)) throw error;
    const problems = [describeError(error)];
    return { ...place, ...nothing, installed: false, healthy: false, problems };
  }
  const { active, pid, restarts, text, load, enabled } = state;
  const seen = {
    ...place,
    ...{ installed: load !== "not-found", enabled: enabled === "enabled" },
    ...{ active, pid, restarts, text },
  };
  const down = whyDown(state, scope);
  if (down.length > 0) return { ...seen, healthy: false, problems: down };
  const watch = await readWatch(stateDir, context);
  if (watch === undefined) return { ...seen, healthy: null, problems: [] };
  return { ...seen, healthy: watch.length === 0, problems: watch };
}

function stateDirOf(unit: string): string | null {
  try {
    return stateDirIn(readFileSync(unit, "utf8")) ?? null;
  } catch {
    return null;
  }
}

const reasons: Record<string, string> = {
  "exit-code": "it ended with an error",
  watchdog: "no beat came to its end, and the watchdog ended it",
  signal: "it was killed",
  timeout: "it took too long to start or to stop",
  "core-dump": "it crashed",
  "oom-kill": "the machine had no memory left for it",
};

function whyDown({ load, active, sub, pid, result }: UnitState, scope: Scope): string[] {
  const flag = scope === "user" ? " --user" : "";
  if (load === "not-found") {
    return [`there is no service; \`watchkeeper service install${flag}\` sets one up`];
  }
  if (pid !== null && active === "active") return [];
  const reason = reasons[result];
  const why = reason === undefined ? "" : `: ${reason}`;
  if (pid !== null) return [`it is ${active}, not up yet${why}`];
  if (sub === "auto-restart") return [`it is down and will be started again${why}`];
  if (active === "failed") {
    return [`it has failed${why}; \`journalctl${flag} -u watchkeeper -n 50\` shows what it said`];
  }
  return [`it is stopped; \`systemctl${flag} start watchkeeper\` starts it`];
}

/** @returns what is wrong with it; undefined when this user may not know */
async function readWatch(
  stateDir: string | null,
  context: CommandContext,
): Promise<readonly string[] | undefined> {
  if (stateDir === null || !existsSync(`${stateDir}/watchkeeper.db`)) return undefined;
  try {
    return (await readStatus({ ...context, stateDir })).problems;
  } catch (error) {
    return [describeError(error)];
  }
}

function render(view: ServiceView, { out, environment }: CommandContext): string {
  const paint = painterFor(out, environment);
  const { scope, unit, enabled, pid, restarts, healthy, text, problems, stateDir } = view;
  const lines: string[] = [];
  const add = (line: string) => void lines.push(wrap(line, out.columns, "  "));
  if (pid === null) add(`service: ${paint("red", "not running")}`);
  else {
    const health =
      healthy === null
        ? ""
        : healthy
          ? `, ${paint("green", "healthy")}`
          : `, ${paint("red", "not healthy")}`;
    add(`service: running${health} (pid ${pid})`);
  }
  for (const problem of problems) add(`  ! ${quoted(problem)}`);
  if (pid !== null && text) add(`  ${quoted(text)}`);
  if (pid !== null && healthy === null)
    add("  whether it is healthy only its own user and root can read");
  if (restarts > 0) add(`  started again ${plural(restarts, "time")} since it was started by hand`);
  if (view.installed) {
    add(`  ${unit}, ${enabled ? "starts at each boot" : "does not start at boot"}`);
    if (scope === "user") add("  of this user alone");
    if (stateDir !== null) add(`  its state is in ${stateDir}`);
  }
  return `${lines.join("\n")}\n`;
}
