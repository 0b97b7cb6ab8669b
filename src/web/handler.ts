import type { IncomingMessage, RequestListener } from "node:http";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import { htmlPage, json, Refusal, seeOther, send, text, type Answer } from "./answer.ts";
import { askerOf, type Asker } from "./asker.ts";
import { hasBody } from "./body.ts";
import { decideGate, type OwnNames, type RequestHead } from "./gate.ts";
import { refusalPage } from "./page.ts";
import type { Route, WebDependencies } from "./route.ts";

/** The way of each request: the gate, the route, who asks, and only then what it asks for. */

export interface HandlerDependencies extends WebDependencies {
  readonly routes: readonly Route[];
  /** The names that a request may use which came in on that address. */
  readonly namesFor: (localAddress: string | undefined) => OwnNames;
}

export const createHandler =
  (dependencies: HandlerDependencies): RequestListener =>
  (incoming, outgoing) => {
    void answer(incoming, dependencies).then((made) => {
      if (outgoing.destroyed) return;
      // A body that nobody has read must not be taken for the next request.
      const unread = hasBody(incoming) && !incoming.complete;
      send(
        outgoing,
        unread ? { ...made, headers: { ...made.headers, connection: "close" } } : made,
      );
    });
  };

/** Never throws. */
async function answer(
  incoming: IncomingMessage,
  dependencies: HandlerDependencies,
): Promise<Answer> {
  let speaks: Route["speaks"] = incoming.url?.startsWith("/api") ? "json" : "text";
  let headers: Route["headers"] = {};
  try {
    const decision = decideGate(
      headOf(incoming),
      dependencies.namesFor(incoming.socket.localAddress),
    );
    if (!decision.ok) throw new Refusal(decision.status, decision.why);
    const url = new URL(incoming.url ?? "/", "http://localhost");
    const { route, name } = findRoute(dependencies.routes, incoming.method ?? "", url.pathname);
    ({ speaks, headers = {} } = route);
    const asker = askerOf(incoming, dependencies);
    if (!mayEnter(route, asker, dependencies)) {
      return speaks === "html" && route.method === "GET"
        ? seeOther("/login")
        : refused(notOwner, speaks);
    }
    const made = await route.handle({ incoming, name, query: url.searchParams, asker });
    return { ...made, headers: { ...headers, ...made.headers } };
  } catch (error) {
    const made = refused(asRefusal(error, dependencies), speaks);
    return { ...made, headers: { ...headers, ...made.headers } };
  }
}

function headOf({ method = "", url = "", headers, headersDistinct }: IncomingMessage): RequestHead {
  return {
    method,
    target: url,
    hosts: headersDistinct.host ?? [],
    origins: headersDistinct.origin ?? [],
    fetchSites: headersDistinct["sec-fetch-site"] ?? [],
    fetchMode: headers["sec-fetch-mode"]?.toString(),
    fetchDestination: headers["sec-fetch-dest"]?.toString(),
  };
}

function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly name: string } {
  const there = routes.filter((route) => route.path.test(path));
  if (there.length === 0) throw new Refusal(404, "there is nothing of that name");
  const route = there.find((each) => each.method === (method === "HEAD" ? "GET" : method));
  if (!route) {
    const allow = there.flatMap((each) =>
      each.method === "GET" ? ["GET", "HEAD"] : [each.method],
    );
    throw new Refusal(405, "it cannot be asked in that way", { allow: allow.join(", ") });
  }
  return { route, name: route.path.exec(path)?.[1] ?? "" };
}

function mayEnter({ access }: Route, asker: Asker, { exposed }: WebDependencies): boolean {
  if (access === "open" || access === "own-key") return true;
  return asker.kind !== "nobody" || (access === "numbers" && !exposed);
}

const notOwner = new Refusal(
  401,
  "this needs the owner's token; `watchkeeper web token` prints it",
  {
    "www-authenticate": 'Bearer realm="watchkeeper"',
  },
);

function asRefusal(error: unknown, { log }: WebDependencies): Refusal {
  if (error instanceof Refusal) return error;
  if (isWatchkeeperError(error) && error.code.startsWith("APPROVAL_")) {
    return new Refusal(error.code === "APPROVAL_UNKNOWN" ? 404 : 409, describeError(error));
  }
  log.error({ error: describeError(error) }, "a web request failed");
  // What it was stands in the log: it may name files, and not everybody who asks is the owner.
  return new Refusal(500, "it could not be done; the daemon's log says why");
}

function refused({ status, message, headers }: Refusal, speaks: Route["speaks"]): Answer {
  const made =
    speaks === "json"
      ? json({ error: message }, status)
      : speaks === "html"
        ? htmlPage(refusalPage(message), status)
        : text(message, status);
  return { ...made, headers: { ...made.headers, ...headers } };
}
