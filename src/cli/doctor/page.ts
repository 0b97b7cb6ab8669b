import { once } from "node:events";
import { createServer } from "node:net";
import type { ResolvedConfig } from "../../config/load.ts";
import { isLocked } from "../../store/index.ts";
import { whyNotListening } from "../../web/exposure.ts";
import { asUrlHost, isLoopback } from "../../web/gate.ts";
import type { CommandContext } from "../context.ts";
import { ok, warn, type Diagnosis } from "./diagnosis.ts";

/**
 * Whether a daemon could offer the page, seen by listening for a moment. That is not tried on an address that
 * other machines reach, on a port that is chosen at the start, or while a daemon runs, which has the port itself.
 */
export async function diagnosePage(
  { web }: ResolvedConfig,
  { stateDir }: CommandContext,
): Promise<Diagnosis[]> {
  const name = "web";
  if (!web || isLocked(stateDir) || !isLoopback(web.host) || web.port === 0) return [];
  const server = createServer();
  try {
    server.listen(web.port, web.host);
    await once(server, "listening");
  } catch (error) {
    return [warn(name, `there would be no page: ${whyNotListening(web, error)}`)];
  }
  server.close();
  await once(server, "close");
  return [ok(name, `http://${asUrlHost(web.host)}:${web.port}/ is free`)];
}
