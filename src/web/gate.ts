import { isIP } from "node:net";

/**
 * The first gate: whether a request was meant for us at all, by its head alone. A page of a stranger
 * that the owner's browser has open can send requests here, under a name of its own that leads to this
 * machine (DNS rebinding), or across origins. None of them gets any further.
 */

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** Each header as often as it was sent. */
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly fetchSites: readonly string[];
  readonly fetchMode: string | undefined;
  readonly fetchDestination: string | undefined;
}

/** The names that we answer to. */
export interface OwnNames {
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

export type GateDecision =
  { readonly ok: true } | { readonly ok: false; readonly status: 400 | 403; readonly why: string };

export function decideGate(head: RequestHead, own: OwnNames): GateDecision {
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(head.target)) return refuse(400, "the path is not valid");
  const [host, ...otherHosts] = head.hosts;
  if (host === undefined || otherHosts.length > 0) {
    return refuse(400, "there must be one Host header");
  }
  if (!own.hosts.has(host.toLowerCase())) {
    return refuse(
      403,
      "the daemon does not answer to this host name; set web.publicUrl to add one",
    );
  }
  if (head.origins.some((origin) => !own.origins.has(origin.toLowerCase()))) {
    return refuse(403, "requests of other origins are refused");
  }
  if (head.fetchSites.some((site) => !isOwnFetch(site, head))) {
    return refuse(403, "requests of other sites are refused");
  }
  return { ok: true };
}

/** A browser's own word on who asks. Following a link to the page is no harm: it changes nothing. */
function isOwnFetch(site: string, head: RequestHead): boolean {
  if (site === "same-origin" || site === "none") return true;
  return (
    (head.method === "GET" || head.method === "HEAD") &&
    head.fetchMode === "navigate" &&
    head.fetchDestination === "document"
  );
}

const refuse = (status: 400 | 403, why: string): GateDecision => ({ ok: false, status, why });

/** @param localAddress the address of ours that the connection came in on: no name can stand for it */
export function ownNames(options: {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly localAddress: string | undefined;
}): OwnNames {
  const { host, port, publicUrl, localAddress } = options;
  const names = ["localhost", "127.0.0.1", "::1", host, localAddress?.replace(/^::ffff:/, "")];
  const hosts = names.flatMap((name) => {
    if (name === undefined) return [];
    const written = asUrlHost(name.toLowerCase());
    return port === 80 ? [written, `${written}:80`] : [`${written}:${port}`];
  });
  const outside = publicUrl === undefined ? [] : [new URL(publicUrl)];
  return {
    hosts: new Set([...hosts, ...outside.map((url) => url.host)]),
    origins: new Set([
      ...hosts.map((name) => `http://${name}`),
      ...outside.map((url) => url.origin),
    ]),
  };
}

export const asUrlHost = (name: string): string => (isIP(name) === 6 ? `[${name}]` : name);

/** Whether only this machine can reach an address. */
export const isLoopback = (host: string): boolean =>
  host.toLowerCase() === "localhost" ||
  host === "::1" ||
  (isIP(host) === 4 && host.startsWith("127."));
