import type { ResolvedConfig } from "../../config/load.ts";
import { processBasics } from "../../config/process-basics.ts";
import { describeError } from "../../domain/errors.ts";
import { createScrub } from "../../domain/scrub.ts";
import { serversOf } from "../../mcp/settings.ts";
import { tryServer } from "../../mcp/try-server.ts";
import { plural } from "../text.ts";
import { fail, ok, warn, type Part } from "./diagnosis.ts";

const longestTryMs = 10_000;
const mostNotes = 3;

/** Each MCP server is connected to once; a daemon that runs keeps its own connections. */
export function serverParts(
  { mcp, baseDir, secrets }: Pick<ResolvedConfig, "mcp" | "baseDir" | "secrets">,
  version: string,
): Part[] {
  const scrub = createScrub(secrets);
  return serversOf(mcp, { cwd: baseDir, basics: processBasics() }).map((settings) => {
    const name = `mcp ${settings.name}`;
    return {
      name,
      async look() {
        try {
          const { tools, notes } = await tryServer(settings, { version, mostMs: longestTryMs });
          const said = [plural(tools.length, "tool"), ...notes.slice(0, mostNotes)].join("; ");
          return [(notes.length === 0 ? ok : warn)(name, scrub(said))];
        } catch (error) {
          const where = settings.kind === "stdio" ? "command" : "url";
          const message = `${describeError(error)}. Check ${where} of mcp.${settings.name}`;
          return [fail(name, scrub(message))];
        }
      },
    };
  });
}
