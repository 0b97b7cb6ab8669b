import { once } from "node:events";
import { createServer } from "node:net";
import type { WebSettings } from "../config/load.ts";
import { whyNotListening } from "../web/exposure.ts";
import { asUrlHost, isLoopback } from "../web/gate.ts";

/**
 * Whether a daemon could offer the page, seen by listening for a moment. Null where that is not
 * tried: on an address that other machines reach, or on a port that is chosen at the start.
 */
export async function diagnosePage(
  web: WebSettings,
): Promise<{ level: "ok" | "warn"; message: string } | null> {
  if (!isLoopback(web.host) || web.port === 0) return null;
  const server = createServer();
  try {
    server.listen(web.port, web.host);
    await once(server, "listening");
  } catch (error) {
    return { level: "warn", message: `there would be no page: ${whyNotListening(web, error)}` };
  }
  server.close();
  await once(server, "close");
  return { level: "ok", message: `http://${asUrlHost(web.host)}:${web.port}/ is free` };
}
