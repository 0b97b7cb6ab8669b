import { AdapterError } from "watchkeeper";
import type * as tsdav from "tsdav";
import { createBoundedFetch, httpLimits, type HttpLimits } from "../bounded-fetch.ts";

export interface DavLogin {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** One `response` of a multistatus, as plain values. */
export interface DavEntry {
  /** Absolute. */
  readonly url: string;
  readonly status: number;
  readonly props: Readonly<Record<string, unknown>>;
}

export interface DavAnswer {
  readonly status: number;
  readonly entries: readonly DavEntry[];
  readonly syncToken: string | undefined;
  readonly etag: string | undefined;
  readonly text: string;
}

type Xml = Record<string, unknown>;

type DavLibrary = Pick<
  typeof tsdav,
  "serviceDiscovery" | "fetchPrincipalUrl" | "fetchHomeUrl" | "propfind" | "davRequest"
>;

export interface DavSession {
  readonly library: DavLibrary;
  readonly fetch: typeof fetch;
  readonly headers: Record<string, string>;
  propfind(url: string, props: Xml, depth: "0" | "1"): Promise<DavAnswer>;
  report(url: string, body: Xml, depth?: "0" | "1"): Promise<DavAnswer>;
  /** GET, PUT or DELETE of one object; the status is the caller's to judge. */
  object(
    method: "GET" | "PUT" | "DELETE",
    url: string,
    options?: { headers?: Record<string, string>; body?: string },
  ): Promise<DavAnswer>;
}

/** What servers call the namespaces in their answers is theirs; these are ours in requests. */
const namespaces = {
  "xmlns:d": "DAV:",
  "xmlns:c": "urn:ietf:params:xml:ns:caldav",
  "xmlns:cs": "http://calendarserver.org/ns/",
};

export const reportBody = (name: string, content: Xml): Xml => ({
  [name]: { _attributes: namespaces, ...content },
});

/** Speaks CalDAV through tsdav, each answer bounded. Loads the library at the first use. */
export async function openDav(
  login: DavLogin,
  { signal, now, limits = httpLimits }: { signal: AbortSignal; now: Date; limits?: HttpLimits },
): Promise<DavSession> {
  const library: DavLibrary = await import("tsdav");
  const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
  const headers = { authorization };
  const bounded = createBoundedFetch(signal, limits);
  const checked: typeof fetch = async (input, init) => {
    const response = await bounded(input, init);
    refuseTrouble(response, new URL(input instanceof Request ? input.url : input).host, now);
    return response;
  };
  const asked = async (url: string, responses: Promise<tsdav.DAVResponse[]>): Promise<DavAnswer> =>
    answerOf(url, await responses);
  return {
    library,
    fetch: checked,
    headers,
    propfind: (url, props, depth) =>
      asked(url, library.propfind({ url, props, depth, headers, fetch: checked })),
    report: (url, body, depth = "1") =>
      asked(
        url,
        library.davRequest({
          url,
          init: { method: "REPORT", headers: { ...headers, depth }, body },
          fetch: checked,
        }),
      ),
    async object(method, url, { headers: more = {}, body } = {}) {
      const response = await checked(url, {
        method,
        headers: { ...headers, ...more },
        ...(body === undefined ? {} : { body }),
      });
      return {
        status: response.status,
        entries: [],
        syncToken: undefined,
        etag: response.headers.get("etag") ?? undefined,
        text: await response.text(),
      };
    },
  };
}

/** Statuses that mean the same whatever was asked. */
function refuseTrouble(response: Response, host: string, now: Date): void {
  const { status } = response;
  if (status === 401) {
    throw new AdapterError("CALDAV_LOGIN_REFUSED", `${host} refuses the login (401)`, {
      hint: "Check user and password; many servers want an app password",
    });
  }
  // 507 of a report says that more is to come.
  if (status === 429 || (status >= 500 && status !== 507)) {
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const waitMs = Math.min(Math.max(seconds, 0), 86_400) * 1_000;
    throw new AdapterError("CALDAV_SERVER_ERROR", `${host} answered with status ${status}`, {
      hint: "The server has trouble of its own; it is tried again later",
      ...(Number.isFinite(seconds) ? { retryAt: now.getTime() + waitMs } : {}),
    });
  }
}

function answerOf(url: string, responses: readonly tsdav.DAVResponse[]): DavAnswer {
  const [first] = responses;
  const raw = first?.raw as { multistatus?: Record<string, unknown> } | string | undefined;
  const multistatus = typeof raw === "object" ? raw.multistatus : undefined;
  const status = multistatus ? 207 : (first?.status ?? 0);
  const entries = multistatus
    ? responses.flatMap(({ href, status: own, props }) =>
        typeof href === "string" && URL.canParse(href, url)
          ? [{ url: new URL(href, url).href, status: own, props: { ...props } }]
          : [],
      )
    : [];
  return {
    status,
    entries,
    syncToken: multistatus && textOf(multistatus["syncToken"]),
    etag: undefined,
    text: typeof raw === "string" ? raw : "",
  };
}

/** tsdav turns what looks like a number into one, and keeps CDATA apart. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "object" && value !== null && "_cdata" in value) {
    const { _cdata: parts } = value;
    return Array.isArray(parts) ? parts.join("") : textOf(parts);
  }
  return undefined;
}
