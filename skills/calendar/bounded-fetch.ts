import { AdapterError } from "watchkeeper";

/** What a server may use up before it is given up. */
export interface HttpLimits {
  /** Of one response. */
  readonly bytes: number;
  /** For one request, until its last byte. */
  readonly timeoutMs: number;
  readonly redirects: number;
}

export const httpLimits: HttpLimits = { bytes: 10_000_000, timeoutMs: 15_000, redirects: 5 };

/** Whether a request that broke off may have been carried out. */
export class ConnectionBroken extends AdapterError {
  readonly mayHaveArrived: boolean;

  constructor(
    code: string,
    message: string,
    { mayHaveArrived, hint }: { mayHaveArrived: boolean; hint: string },
  ) {
    super(code, message, { hint });
    this.mayHaveArrived = mayHaveArrived;
  }
}

const followed = new Set(["GET", "HEAD", "PROPFIND", "REPORT"]);

/**
 * A `fetch` for libraries that know no limits: each response is read to its end within a size and a
 * time. Redirects are followed for reading only, never from https to http, and the login does not
 * go along to another host.
 * @throws AdapterError with a code that begins with CALENDAR_; the signal's reason when aborted. No
 * text of an error holds more of an address than its host.
 */
export function createBoundedFetch(signal: AbortSignal, limits = httpLimits): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const deadline = AbortSignal.timeout(limits.timeoutMs);
    const within = AbortSignal.any([signal, deadline, ...(init.signal ? [init.signal] : [])]);
    try {
      const { response, host } = await request(url, init, within, limits);
      return await readWhole(response, host, limits);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AdapterError) throw error;
      if (deadline.aborted) {
        throw new ConnectionBroken("CALENDAR_TIMEOUT", `${url.host} did not answer in time`, {
          mayHaveArrived: true,
          hint: `It may take ${Math.round(limits.timeoutMs / 1_000)} s; it is tried again later`,
        });
      }
      throw unreachable(error, url.host);
    }
  };
}

async function request(
  first: URL,
  init: RequestInit,
  signal: AbortSignal,
  limits: HttpLimits,
): Promise<{ response: Response; host: string }> {
  const method = (init.method ?? "GET").toUpperCase();
  const headers = new Headers(init.headers);
  if (!headers.has("user-agent")) headers.set("user-agent", "watchkeeper");
  let url = first;
  for (let hops = 0; hops <= limits.redirects; hops += 1) {
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal,
      ...(init.body === undefined ? {} : { body: init.body }),
    });
    const location = response.headers.get("location");
    const redirects = response.status >= 300 && response.status < 400 && location !== null;
    if (!redirects || init.redirect === "manual" || !followed.has(method)) {
      return { response, host: url.host };
    }
    await response.body?.cancel();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    const isWeb = next?.protocol === "https:" || next?.protocol === "http:";
    if (!next || !isWeb || isDowngrade(url, next)) throw badRedirect(url.host);
    if (next.origin !== url.origin) headers.delete("authorization");
    url = next;
  }
  throw new AdapterError("CALENDAR_BAD_REDIRECT", `${first.host} redirects in a circle`, {
    hint: "Use the address that it ends at when opened in a browser",
  });
}

/** Whether a login would travel unencrypted from now on. */
export const isDowngrade = (from: URL, to: URL): boolean =>
  from.protocol === "https:" && to.protocol !== "https:";

export const badRedirect = (host: string): AdapterError =>
  new AdapterError("CALENDAR_BAD_REDIRECT", `${host} redirects to an unencrypted address`, {
    hint: "Use the https:// address that it ends at when opened in a browser",
  });

async function readWhole(response: Response, host: string, limits: HttpLimits): Promise<Response> {
  const headers = new Headers(response.headers);
  const tooLarge = (): AdapterError =>
    new AdapterError("CALENDAR_TOO_LARGE", `${host} sent more than can be read`, {
      hint: `At most ${Math.round(limits.bytes / 1_000_000)} MB are read at once; move old events to another calendar`,
    });
  if (Number(headers.get("content-length") ?? 0) > limits.bytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limits.bytes) throw tooLarge();
    parts.push(chunk);
  }
  // The body is decoded by now.
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { status, statusText } = response;
  const withoutBody = status === 204 || status === 205 || status === 304;
  return new Response(withoutBody ? null : Buffer.concat(parts), { status, statusText, headers });
}

const neverArrived: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up just now",
  ECONNREFUSED: "nothing listens there",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
};
const broken: Readonly<Record<string, string>> = {
  ECONNRESET: "it hung up",
  UND_ERR_SOCKET: "it hung up",
  ETIMEDOUT: "it does not answer",
};

/** The cause goes no further than its code: its text could repeat the address. */
function unreachable(error: unknown, host: string): AdapterError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = neverArrived[code] ?? broken[code] ?? (code || "the connection broke");
  return new ConnectionBroken("CALENDAR_UNREACHABLE", `${host} cannot be reached: ${why}`, {
    mayHaveArrived: !(code in neverArrived),
    hint: "Check the address and the connection; it is tried again later",
  });
}
