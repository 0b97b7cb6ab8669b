import type { ResolvedConfig } from "../config/load.ts";
import { processBasics } from "../config/process-basics.ts";
import { describeError } from "../domain/errors.ts";
import { createScrub } from "../domain/scrub.ts";
import { serversOf, type ServerSettings } from "../mcp/settings.ts";
import { tryServer } from "../mcp/try-server.ts";
import { plural } from "./text.ts";

const longestTryMs = 10_000;
const mostNotes = 3;

/** Each MCP server is connected to once; a daemon that runs keeps its own connections. */
export async function diagnoseServers(
  { mcp, baseDir, secrets }: Pick<ResolvedConfig, "mcp" | "baseDir" | "secrets">,
  version: string,
) {
  const scrub = createScrub(secrets);
  const servers = serversOf(mcp, { cwd: baseDir, basics: processBasics() });
  const diagnose = async (settings: ServerSettings) => {
    const name = `mcp ${settings.name}`;
    try {
      const { tools, notes } = await tryServer(settings, { version, mostMs: longestTryMs });
      const level = notes.length === 0 ? ("ok" as const) : ("warn" as const);
      const said = [plural(tools.length, "tool"), ...notes.slice(0, mostNotes)];
      return { name, level, message: scrub(said.join("; ")) };
    } catch (error) {
      const where = settings.kind === "stdio" ? "command" : "url";
      const message = `${describeError(error)}. Check ${where} of mcp.${settings.name}`;
      return { name, level: "fail" as const, message: scrub(message) };
    }
  };
  return await Promise.all(servers.map(diagnose));
}
