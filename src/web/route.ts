import type { IncomingMessage } from "node:http";
import type { Clock } from "../domain/clock.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import type { Answer } from "./answer.ts";
import type { Asker } from "./asker.ts";
import type { PushTargets } from "./push.ts";
import type { CookieKind } from "./session.ts";

/** What routes are made of. */

export interface WebDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly stateDir: string;
  readonly version: string;
  readonly timezone: string;
  /** The longest gap between beats. */
  readonly heartbeatMs: number;
  /** When the watch began. */
  readonly startedAt: number;
  /** Whether more than this machine can reach us. */
  readonly exposed: boolean;
  readonly cookie: CookieKind;
  /** What the links of messages are made with; null when there are none. */
  readonly wordSecret: string | null;
  readonly pushes: PushTargets;
  /** Tells the heartbeat that there is something to do. */
  readonly wake: () => void;
  /** Has a check look before its time. */
  readonly lookEarly: (check: string) => void;
}

/**
 * Who is let in: `open` everybody, `numbers` everybody on this machine and the owner from elsewhere,
 * `own-key` whoever has the route's own key, `owner` the owner.
 */
export type Access = "open" | "numbers" | "own-key" | "owner";

export interface Route {
  readonly method: "GET" | "POST";
  /** Its first group is the visit's `name`. */
  readonly path: RegExp;
  readonly access: Access;
  /** In which form a refusal is said. */
  readonly speaks: "html" | "json" | "text";
  /** They go with whatever it answers, refusals too. */
  readonly headers?: Readonly<Record<string, string>>;
  handle(visit: Visit): Promise<Answer>;
}

/** A request that was let in. */
export interface Visit {
  readonly incoming: IncomingMessage;
  /** What the path names: an id or a push. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly asker: Asker;
}
