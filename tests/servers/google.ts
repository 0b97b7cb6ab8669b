import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Stands in for Google: the parts of the Calendar API and of its OAuth server that we use, over HTTP,
 * spoken to by Google's own client. Paging, sync tokens, versions and error bodies are as Google
 * documents them; what series do is kept to what a test puts in.
 */
export interface GoogleServer extends AsyncDisposable {
  /** With a slash at its end, for `rootUrl`. */
  readonly url: string;
  readonly authUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A login that the owner has given. */
  readonly refreshToken: string;
  /** Method and path with query of each request so far. */
  readonly requests: string[];
  /** Puts an event there as somebody else would, or changes it; returns it. */
  put(event: GoogleEvent): GoogleEvent;
  /** Takes one away as somebody else would. */
  remove(id: string): void;
  get(id: string): GoogleEvent | undefined;
  /** All sync tokens given so far are no longer good. */
  expireSyncTokens(): void;
  /** The owner has taken the login back. */
  revoke(): void;
  /** All access tokens given so far are no longer good. */
  expireAccess(): void;
  /** Answers in place of the real ones: status, and body as it is sent. */
  answer: (method: string, path: string) => Answer | undefined;
  pageSize: number;
  /** Who was told of the last change: `sendUpdates`. */
  lastTold: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export interface GoogleEvent {
  id: string;
  etag?: string;
  iCalUID?: string;
  status?: string;
  recurringEventId?: string;
  attendees?: { email: string; self?: boolean; responseStatus?: string }[];
  extendedProperties?: { private?: Record<string, string> };
  [field: string]: unknown;
}

interface Stored {
  event: GoogleEvent;
  changedAt: number;
}

const json = (status: number, body: unknown): Answer => ({
  status,
  body: JSON.stringify(body),
  headers: { "content-type": "application/json; charset=UTF-8" },
});

const failure = (code: number, reason: string, message: string): Answer =>
  json(code, { error: { code, message, errors: [{ domain: "global", reason, message }] } });

export async function startGoogle(calendarId = "primary"): Promise<GoogleServer> {
  const events = new Map<string, Stored>();
  const access = new Set<string>();
  const codes = new Map<string, { challenge: string; redirectUri: string }>();
  let refreshTokens = new Set(["1//refresh"]);
  let version = 1;
  let oldestToken = 0;

  const save = (event: GoogleEvent): GoogleEvent => {
    version += 1;
    const saved = { status: "confirmed", iCalUID: `${event.id}@google.com`, ...event };
    saved.etag = `"${version}"`;
    events.set(event.id, { event: saved, changedAt: version });
    return saved;
  };

  function list(query: URLSearchParams): Answer {
    const token = query.get("syncToken");
    const timeMin = query.get("timeMin");
    if (token !== null && timeMin !== null) {
      return failure(400, "invalid", "timeMin cannot be used with syncToken");
    }
    const since = token === null ? 0 : Number(token.slice(5));
    if (token !== null && (!token.startsWith("sync-") || since < oldestToken)) {
      return failure(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
      );
    }
    const from = timeMin === null ? 0 : Date.parse(timeMin);
    const found = [...events.values()].filter(
      ({ event, changedAt }) =>
        changedAt > since &&
        // Cancelled occurrences come with their series always, deleted events with news only.
        (token !== null || event.status !== "cancelled" || event.recurringEventId !== undefined) &&
        (from === 0 || event["recurrence"] !== undefined || endOf(event) > from),
    );
    const size = Math.min(google.pageSize, Number(query.get("maxResults") ?? 250));
    const start = Number(query.get("pageToken")?.slice(5) ?? 0);
    const isLast = start + size >= found.length;
    return json(200, {
      kind: "calendar#events",
      items: found.slice(start, start + size).map(({ event }) => event),
      ...(isLast
        ? { nextSyncToken: `sync-${version}` }
        : { nextPageToken: `page-${start + size}` }),
    });
  }

  function occurrenceOf(id: string): GoogleEvent | undefined {
    const [, seriesId = "", time = ""] = /^(.+)_(\d{8}(?:T\d{6}Z)?)$/.exec(id) ?? [];
    const series = events.get(seriesId)?.event;
    if (!series?.["recurrence"] || !series["start"] || series.status === "cancelled")
      return undefined;
    const length = endOf(series) - startOf(series);
    const at = Date.parse(
      time.replace(/^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?$/, "$1-$2-$3T$4:$5:$6Z"),
    );
    // The series that tests put there are daily ones.
    if (at < startOf(series) || (at - startOf(series)) % 86_400_000 !== 0) return undefined;
    const { recurrence: _, ...rest } = series;
    const moment = (instant: number) => ({ dateTime: new Date(instant).toISOString() });
    return {
      ...rest,
      id,
      recurringEventId: seriesId,
      start: moment(at),
      end: moment(at + length),
      originalStartTime: moment(at),
    };
  }

  function calendarCall(
    method: string,
    id: string | undefined,
    query: URLSearchParams,
    headers: IncomingMessage["headers"],
    body: Record<string, unknown>,
  ): Answer {
    if (id === undefined) {
      if (method === "GET") return list(query);
      google.lastTold = query.get("sendUpdates") ?? undefined;
      const newId = typeof body["id"] === "string" ? body["id"] : randomUUID().replaceAll("-", "");
      if (!/^[a-v0-9]{5,1024}$/.test(newId))
        return failure(400, "invalid", "Invalid resource id value.");
      if (events.has(newId))
        return failure(409, "duplicate", "The requested identifier already exists.");
      return json(
        200,
        save({ ...body, id: newId, organizer: { email: "me@example.com", self: true } }),
      );
    }
    const known = events.get(id)?.event ?? occurrenceOf(id);
    if (!known) return failure(404, "notFound", "Not Found");
    if (method === "GET") return json(200, known);
    google.lastTold = query.get("sendUpdates") ?? undefined;
    const wanted = headers["if-match"];
    if (wanted !== undefined && wanted !== known.etag) {
      return failure(412, "conditionNotMet", "Precondition Failed");
    }
    if (method === "DELETE") {
      if (known.status === "cancelled") return failure(410, "deleted", "Resource has been deleted");
      save({ ...known, status: "cancelled" });
      return { status: 204, body: "" };
    }
    const patched = { ...known, ...body };
    for (const [name, value] of Object.entries(body)) if (value === null) delete patched[name];
    return json(200, save(patched));
  }

  function tokenCall(form: URLSearchParams): Answer {
    const refused = (error: string): Answer =>
      json(400, { error, error_description: "Bad Request" });
    if (
      form.get("client_id") !== google.clientId ||
      form.get("client_secret") !== google.clientSecret
    ) {
      return json(401, { error: "invalid_client", error_description: "Unauthorized" });
    }
    const issue = (more: object): Answer => {
      const token = `ya29.${randomUUID()}`;
      access.add(token);
      return json(200, { access_token: token, expires_in: 3_599, token_type: "Bearer", ...more });
    };
    if (form.get("grant_type") === "refresh_token") {
      return refreshTokens.has(form.get("refresh_token") ?? "")
        ? issue({})
        : refused("invalid_grant");
    }
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const proof = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (!code || code.challenge !== proof || code.redirectUri !== form.get("redirect_uri")) {
      return refused("invalid_grant");
    }
    const refresh_token = `1//${randomUUID()}`;
    refreshTokens.add(refresh_token);
    return issue({ refresh_token, scope: "https://www.googleapis.com/auth/calendar.events" });
  }

  /** The owner looks at the page and says yes. */
  function consent(query: URLSearchParams): Answer {
    const redirectUri = query.get("redirect_uri") ?? "";
    const challenge = query.get("code_challenge") ?? "";
    const isGood =
      query.get("client_id") === google.clientId &&
      query.get("response_type") === "code" &&
      query.get("code_challenge_method") === "S256" &&
      challenge !== "" &&
      /^http:\/\/127\.0\.0\.1:\d+\//.test(redirectUri);
    if (!isGood) return { status: 400, body: "Error 400: invalid_request" };
    const code = `4/${randomUUID()}`;
    codes.set(code, { challenge, redirectUri });
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    back.searchParams.set("code", code);
    return { status: 302, body: "", headers: { location: back.href } };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    google.requests.push(`${method} ${url.pathname}${url.search}`);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const answer = google.answer(method, url.pathname) ?? route();
    response.writeHead(answer.status, answer.headers).end(answer.body);

    function route(): Answer {
      if (url.pathname === "/auth") return consent(url.searchParams);
      if (url.pathname === "/token") return tokenCall(new URLSearchParams(text));
      const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
      if (!access.has(token)) return failure(401, "authError", "Invalid Credentials");
      const match = /^\/calendar\/v3\/calendars\/([^/]+)\/events(?:\/([^/]+))?$/.exec(url.pathname);
      if (!match || decodeURIComponent(match[1] ?? "") !== calendarId) {
        return failure(404, "notFound", "Not Found");
      }
      const id = match[2] === undefined ? undefined : decodeURIComponent(match[2]);
      const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      return calendarCall(method, id, url.searchParams, request.headers, body);
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const google: GoogleServer = {
    url,
    authUrl: `${url}auth`,
    tokenUrl: `${url}token`,
    clientId: "client.apps.example.com",
    clientSecret: "s3cret-Client",
    refreshToken: "1//refresh",
    requests: [],
    put: save,
    remove: (id) => {
      const known = events.get(id);
      if (known) save({ ...known.event, status: "cancelled" });
    },
    get: (id) => events.get(id)?.event,
    expireSyncTokens: () => {
      version += 1;
      oldestToken = version;
    },
    revoke: () => {
      refreshTokens = new Set();
      access.clear();
    },
    expireAccess: () => access.clear(),
    answer: () => undefined,
    pageSize: 250,
    lastTold: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return google;
}

const momentOf = (time: unknown): number => {
  const { date, dateTime } = (time ?? {}) as { date?: string; dateTime?: string };
  return Date.parse(dateTime ?? date ?? "");
};
const startOf = (event: GoogleEvent): number => momentOf(event["start"]);
const endOf = (event: GoogleEvent): number => momentOf(event["end"]);
