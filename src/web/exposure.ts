import type { WebSettings } from "../config/load.ts";
import { ConfigError, describeError } from "../domain/errors.ts";
import { asUrlHost, isLoopback } from "./gate.ts";
import { readToken } from "./token.ts";

/** Who may reach the page, and why it cannot be offered. */

/** Whether somebody on another machine can ask: by the address, or through a proxy. */
export const isExposed = ({ host, publicUrl }: WebSettings): boolean =>
  !isLoopback(host) || publicUrl !== undefined;

/** @throws ConfigError when it would be reached from elsewhere, and there is no token */
export function refuseExposed(web: WebSettings, stateDir: string): void {
  if (isLoopback(web.host) || readToken(stateDir) !== undefined) return;
  throw new ConfigError(
    "WEB_TOKEN_MISSING",
    `web.host ${web.host} can be reached from other machines, and there is no token`,
    { hint: "Make one with `watchkeeper web token`, or set web.host to 127.0.0.1" },
  );
}

/** @param error what listening ended with */
export function whyNotListening({ host, port }: WebSettings, error: unknown): string {
  const at = `${asUrlHost(host)}:${port}`;
  switch ((error as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return `${at} is taken by another program; set web.port to one that is free`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine; set web.host to one`;
    case "EACCES":
      return `you may not listen on ${at}; set web.port to one above 1023`;
    default:
      return `cannot listen on ${at}: ${describeError(error)}`;
  }
}
