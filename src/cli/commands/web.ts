import { nearestOf } from "../../config/issues.ts";
import type { WebSettings } from "../../config/load.ts";
import { ConfigError } from "../../domain/errors.ts";
import { isLocked } from "../../store/index.ts";
import { prepareStateDir } from "../../store/database.ts";
import { asUrlHost } from "../../web/gate.ts";
import { pushTargets } from "../../web/push.ts";
import { derivedPushKey, makeToken } from "../../web/token.ts";
import { exit, type CommandContext } from "../context.ts";
import type { StatusView } from "../../views/status.ts";
import { quoted } from "../text.ts";
import { openTools } from "../tools.ts";
import { readStatus } from "./status.ts";

/** Prints the owner's token, which is made when there is none; or the key of a push. */
export async function webToken(
  context: CommandContext,
  options: { new?: true; push?: string },
): Promise<number> {
  const { out, json, stateDir } = context;
  if (options.push !== undefined) return await showPush(context, options.push);
  prepareStateDir(stateDir);
  const token = makeToken(stateDir, { renew: options.new ?? false });
  // Alone on its line, so that `$(watchkeeper web token)` is the token.
  out.write(json ? `${JSON.stringify({ token }, null, 2)}\n` : `${token}\n`);
  return exit.done;
}

async function showPush(context: CommandContext, name: string): Promise<number> {
  const { out, err, json, stateDir } = context;
  await using tools = await openTools(context);
  const targets = pushTargets(tools.skills);
  const target = targets.get(name);
  if (!target) {
    const nearest = nearestOf(name, [...targets.keys()]);
    throw new ConfigError("PUSH_UNKNOWN", `no skill waits for pushes of "${name}"`, {
      hint: nearest ? `Did you mean "${nearest}"?` : 'Give a service a target with "push" first',
    });
  }
  prepareStateDir(stateDir);
  const { web } = tools.config;
  const now = await offeredNow(context);
  const off = web ? now?.off : "web is switched off";
  if (off) err.write(`watchkeeper: no push can arrive: ${quoted(off)}\n`);
  // The one of the configuration is the owner's secret, and not printed.
  const key = target.key === null ? derivedPushKey(stateDir, name) : null;
  const url = `${addressOf(web, now?.url ?? null)}/push/${name}`;
  const command = `curl -fsS -X POST -H "Authorization: Bearer ${key ?? "KEY"}" ${url}`;
  if (json) out.write(`${JSON.stringify({ name, key, url, command }, null, 2)}\n`);
  else if (key === null) out.write(`its key is the one of your configuration\n${command}\n`);
  else out.write(`${key}\n${command}\n`);
  return exit.done;
}

/** How the page of the daemon that runs now stands; undefined when none does. */
async function offeredNow(context: CommandContext): Promise<StatusView["web"] | undefined> {
  if (!isLocked(context.stateDir)) return undefined;
  return (await readStatus(context)).web;
}

/** @param offered where a running daemon offers the page: its port may be another than was configured */
function addressOf(web: WebSettings | null, offered: string | null): string {
  if (web?.publicUrl !== undefined) return web.publicUrl;
  const everywhere = web?.host === "0.0.0.0" || web?.host === "::";
  const host = web && !everywhere ? web.host : "127.0.0.1";
  const port = offered === null ? web?.port || 7373 : new URL(offered).port || 80;
  return `http://${asUrlHost(host)}:${port}`;
}
