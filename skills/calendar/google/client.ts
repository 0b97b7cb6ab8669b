import type { calendar_v3 } from "@googleapis/calendar";
import { AdapterError } from "watchkeeper";
import { createBoundedFetch, httpLimits, type HttpLimits } from "../bounded-fetch.ts";
import { plainLine } from "../plain-text.ts";
import { readRefreshToken } from "./token-file.ts";

export interface GoogleLogin {
  readonly calendarId: string;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** Where the API and its tokens are instead of at Google. */
  readonly rootUrl?: string | undefined;
  readonly tokenUrl?: string | undefined;
}

export interface GoogleClientOptions {
  readonly name: string;
  readonly login: GoogleLogin;
  readonly stateDir: string | undefined;
  readonly limits?: HttpLimits | undefined;
}

export interface GoogleRequest {
  readonly signal: AbortSignal;
  readonly now: Date;
}

export type GoogleEvents = calendar_v3.Resource$Events;

/** Makes the client of one source; the library is loaded when it is first asked for. */
export function createGoogleClient({ name, login, stateDir, limits }: GoogleClientOptions) {
  // An access token is good for an hour: it is kept for the life of the process, never on disk.
  let access: { refreshToken: string; accessToken: string; expiresAt: number } | undefined;

  return async function events({ signal, now }: GoogleRequest): Promise<GoogleEvents> {
    const { clientId, clientSecret } = login;
    if (clientId === undefined || clientSecret === undefined) {
      throw new AdapterError("GOOGLE_NO_CLIENT", `calendar "${name}" has no OAuth client`, {
        hint: "Write clientId and clientSecret into google; docs/configuration.md says where they come from",
        retryable: false,
      });
    }
    const refreshToken = await readRefreshToken(stateDir, name, clientId);
    const { calendar, auth } = (await import("@googleapis/calendar")).default;
    const fetchImplementation = createBoundedFetch(signal, limits ?? httpLimits);
    const client = new auth.OAuth2({
      clientId,
      clientSecret,
      forceRefreshOnFailure: true,
      transporterOptions: { fetchImplementation, retry: false },
      ...(login.tokenUrl ? { endpoints: { oauth2TokenUrl: login.tokenUrl } } : {}),
    });
    const isGood = access?.refreshToken === refreshToken && access.expiresAt > now.getTime();
    client.setCredentials({
      refresh_token: refreshToken,
      ...(isGood && access
        ? { access_token: access.accessToken, expiry_date: access.expiresAt }
        : {}),
    });
    client.on("tokens", ({ access_token: accessToken, expiry_date: expiresAt }) => {
      if (!accessToken || !expiresAt) return;
      access = { refreshToken, accessToken, expiresAt };
    });
    return calendar({
      version: "v3",
      auth: client,
      retry: false,
      fetchImplementation,
      ...(login.rootUrl ? { rootUrl: login.rootUrl } : {}),
    }).events;
  };
}

/** What Google answered instead of what was asked, as far as it can be told. */
export interface GoogleRefusal {
  readonly status: number;
  readonly reason: string;
}

/** @returns undefined when the request never got an answer. */
export function refusalOf(error: unknown): GoogleRefusal | undefined {
  const response = (error as { response?: { status?: unknown; data?: unknown } } | null)?.response;
  if (typeof response?.status !== "number") return undefined;
  const body = response.data as
    { error?: string | { errors?: { reason?: unknown }[]; status?: unknown } } | string | undefined;
  const said = typeof body === "object" ? body.error : undefined;
  const reason = typeof said === "string" ? said : (said?.errors?.[0]?.reason ?? said?.status);
  return {
    status: response.status,
    reason: typeof reason === "string" ? plainLine(reason, 60) : "",
  };
}

/** @returns our own error among what caused this one. */
function ownError(error: unknown): AdapterError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth += 1) {
    if (current instanceof AdapterError) return current;
    current = current.cause;
  }
  return undefined;
}

/** Words and mend for what went wrong; nothing of a request, whose headers hold the token. */
export function explainGoogle(error: unknown, request: GoogleRequest): unknown {
  request.signal.throwIfAborted();
  const own = ownError(error);
  if (own) return own;
  const refusal = refusalOf(error);
  if (!refusal) {
    const message = error instanceof Error ? plainLine(error.message, 160) : "";
    return new AdapterError("GOOGLE_BAD_ANSWER", `Google cannot be understood: ${message}`, {
      hint: "It is tried again later; `watchkeeper auth google` makes a new login",
    });
  }
  const { status, reason } = refusal;
  const said = reason ? `${status}, ${reason}` : String(status);
  if (/^(?:invalid_grant|unauthorized_client|invalid_client)$/.test(reason) || status === 401) {
    return new AdapterError(
      "GOOGLE_LOGIN_REVOKED",
      `Google no longer accepts the login (${reason || status})`,
      {
        hint: "Run: watchkeeper auth google",
        retryable: false,
      },
    );
  }
  if (status === 429 || status >= 500 || /rateLimitExceeded|quotaExceeded/i.test(reason)) {
    return new AdapterError("GOOGLE_SERVER_ERROR", `Google answered with status ${said}`, {
      hint: "It is tried again later",
      ...retryAtOf(error, request.now),
    });
  }
  return new AdapterError("GOOGLE_REFUSED", `Google refuses the calendar (${said})`, {
    hint: "Check google.calendarId, and that this account may see the calendar",
  });
}

function retryAtOf(error: unknown, now: Date): { retryAt?: number } {
  const headers = (error as { response?: { headers?: unknown } }).response?.headers;
  const seconds = Number(headers instanceof Headers ? (headers.get("retry-after") ?? NaN) : NaN);
  if (!Number.isFinite(seconds)) return {};
  return { retryAt: now.getTime() + Math.min(Math.max(seconds, 0), 86_400) * 1_000 };
}
