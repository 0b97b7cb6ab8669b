import { ownTools } from "../agent/own-tools.ts";
import { buildPrompt, type Prompt } from "../agent/prompt.ts";
import { reportName } from "../agent/report.ts";
import type { ResolvedConfig } from "../config/load.ts";
import { processBasics } from "../config/process-basics.ts";
import type { Clock } from "../domain/clock.ts";
import { watchServers } from "../mcp/servers.ts";
import { serversOf } from "../mcp/settings.ts";
import { toolsOf, type LoadedSkill, type LoadedTool } from "../skills/load.ts";
import { skillLog } from "../telemetry/guarded-log.ts";
import type { Ground } from "./ground.ts";

/** What the agent can call: the tools of the skills, its own, and those of servers, which come and go. */

export interface Toolbox extends AsyncDisposable {
  /** By name; calls and approvals are looked up in it. */
  readonly tools: ReadonlyMap<string, LoadedTool>;
  /** What a run is shown first; the very same as long as the tools are. */
  readonly prompt: () => Promise<Prompt>;
}

export interface ToolboxOptions {
  readonly config: ResolvedConfig;
  readonly skills: readonly LoadedSkill[];
  readonly stateDir: string;
  /** Our version, for the servers' logs. */
  readonly version: string;
  readonly clock: Clock;
}

/** How long the start waits for MCP servers; what comes later joins the next run. */
const serversPatienceMs = 10_000;

export async function openToolbox(
  { store, log, scrub }: Ground,
  { config, skills, stateDir, version, clock }: ToolboxOptions,
): Promise<Toolbox> {
  const own = ownTools({ store, skills, stateDir, log: skillLog(log, "memory") });
  const tools = new Map(toolsOf([...skills, { tools: own }]));
  let remote: readonly LoadedTool[] = [];
  await using held = new AsyncDisposableStack();
  const servers = held.use(
    watchServers(serversOf(config.mcp, { cwd: config.baseDir, basics: processBasics() }), {
      ...{ store, clock, log, scrub, version },
      taken: new Set([...tools.keys(), reportName]),
      changed: () => void remoteTools().catch(() => undefined),
    }),
  );
  await store.keepToolServers(Object.keys(config.mcp));
  await servers.triedOnce(serversPatienceMs);

  /** Brings the tools of servers up to date. */
  async function remoteTools(): Promise<readonly LoadedTool[]> {
    const current = await servers.tools();
    for (const { name } of remote) tools.delete(name);
    for (const tool of current) tools.set(tool.name, tool);
    remote = current;
    return current;
  }
  await remoteTools();

  let built: { readonly of: readonly LoadedTool[]; readonly prompt: Prompt } | undefined;
  async function prompt(): Promise<Prompt> {
    const current = await remoteTools();
    const isSame = current.every((tool, index) => tool === built?.of[index]);
    if (built?.of.length === current.length && isSame) return built.prompt;
    built = { of: current, prompt: buildPrompt(skills, [...own, ...current]) };
    return built.prompt;
  }

  const kept = held.move();
  return { tools, prompt, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
