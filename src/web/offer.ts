import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { ResolvedConfig, WebSettings } from "../config/load.ts";
import type { Watch } from "../daemon.ts";
import { systemClock, type Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Log } from "../telemetry/log.ts";
import { isExposed, refuseExposed, whyNotListening } from "./exposure.ts";
import { createHandler } from "./handler.ts";
import { asUrlHost, isLoopback, ownNames } from "./gate.ts";
import { pushTargets } from "./push.ts";
import type { WebDependencies } from "./route.ts";
import { allRoutes } from "./routes.ts";
import { createWebServer, usualLimits, type WebLimits } from "./server.ts";
import { cookieKind } from "./session.ts";

/** Offers the page and the API of a watch. */

export interface WebOptions {
  readonly config: Pick<ResolvedConfig, "timezone" | "heartbeat">;
  readonly web: WebSettings;
  readonly stateDir: string;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly limits?: WebLimits;
}

export interface OfferedWeb extends AsyncDisposable {
  /** Where it is found, or null when it could not listen. */
  readonly url: string | null;
  /** Why it could not listen; null when it does. */
  readonly off: string | null;
  /** On which port it listens. */
  readonly port: number | null;
}

/**
 * Listens until disposed. A port that is taken is said, and the watch goes on without.
 * @throws ConfigError when it would be reached from elsewhere, and there is no token
 */
export async function offerWeb(watch: Watch, options: WebOptions): Promise<OfferedWeb> {
  const { web, stateDir, log, config } = options;
  refuseExposed(web, stateDir);
  const clock = options.clock ?? systemClock;
  const startedAt = (await watch.store.status()).daemon?.startedAt ?? clock.now();
  const offered = createWebServer(options.limits ?? usualLimits);
  const { server } = offered;
  try {
    server.listen(web.port, web.host);
    await once(server, "listening");
  } catch (error) {
    return notOffered(log, whyNotListening(web, error));
  }
  const { address, port } = server.address() as AddressInfo;
  if (isLoopback(web.host) && !isLoopback(address)) {
    await offered[Symbol.asyncDispose]();
    return notOffered(log, `${web.host} is not an address of this machine alone`);
  }
  const dependencies: WebDependencies = {
    store: watch.store,
    clock,
    log,
    stateDir,
    version: options.version,
    timezone: config.timezone,
    heartbeatMs: config.heartbeat.everyMs,
    startedAt,
    exposed: isExposed(web),
    cookie: cookieKind(port, web.publicUrl),
    wordSecret: watch.wordSecret,
    pushes: pushTargets(watch.skills),
    wake: () => watch.heartbeat.wake(),
    lookEarly: (check) => watch.heartbeat.lookEarly(check),
  };
  const routes = allRoutes(dependencies);
  const namesFor = (localAddress: string | undefined) =>
    ownNames({ host: web.host, port, publicUrl: web.publicUrl, localAddress });
  server.on("request", createHandler({ ...dependencies, routes, namesFor }));
  server.on("error", (error) => log.warn({ error: describeError(error) }, "the page failed"));
  return {
    url: web.publicUrl ?? `http://${asUrlHost(address)}:${port}`,
    off: null,
    port,
    [Symbol.asyncDispose]: () => offered[Symbol.asyncDispose](),
  };
}

function notOffered(log: Log, why: string): OfferedWeb {
  log.error({}, `the page is off: ${why}`);
  return { url: null, off: why, port: null, [Symbol.asyncDispose]: () => Promise.resolve() };
}
