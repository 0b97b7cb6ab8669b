import { AdapterError, z } from "watchkeeper";
import type { ImapServer } from "./config.ts";
import { cleanLine } from "./plain-text.ts";

/** Access tokens for servers that take no passwords (XOAUTH2), got with the owner's refresh token. */

export type OAuth2Settings = NonNullable<ImapServer["oauth2"]>;

export interface AccessToken {
  readonly value: string;
  readonly expiresAt: number;
  /** When the refresh token ends, where the provider says so. */
  readonly refreshEndsAt: number | undefined;
}

const answer = z.object({
  access_token: z.string().min(1).max(10_000),
  expires_in: z.coerce
    .number()
    .positive()
    .max(366 * 86_400)
    .optional(),
  refresh_token: z.string().min(1).max(10_000).optional(),
  refresh_token_expires_in: z.coerce.number().positive().optional(),
});
const refusal = z.object({
  error: z.string(),
  error_description: z.string().optional(),
});

/** A token is used no longer than until shortly before its end. */
const marginMs = 60_000;
const usualLifeMs = 30 * 60_000;
const longestAnswer = 64 * 1024;

export interface TokenSource {
  /** @param fresh true when the server has refused the last one */
  token(signal: AbortSignal, fresh?: boolean): Promise<AccessToken>;
  /** The last one that was got, to take it out of error texts. */
  last(): AccessToken | undefined;
}

const sources = new Map<string, TokenSource>();

/** One source for each account, so that check, tools and the waiting connection share its token. */
export function tokenSource(settings: OAuth2Settings): TokenSource {
  const name = JSON.stringify(settings);
  const known = sources.get(name);
  if (known !== undefined) return known;
  const made = createSource(settings);
  sources.set(name, made);
  return made;
}

function createSource(settings: OAuth2Settings): TokenSource {
  let current: AccessToken | undefined;
  let refreshToken = settings.refreshToken;
  let refreshing: Promise<AccessToken> | undefined;
  return {
    last: () => current,
    async token(signal, fresh = false) {
      if (!fresh && current !== undefined && Date.now() < current.expiresAt - marginMs)
        return current;
      // Two at once would use up a refresh token that is good for one time only.
      refreshing ??= refresh({ ...settings, refreshToken }, signal)
        .then((got) => {
          refreshToken = got.refreshToken ?? refreshToken;
          current = got;
          return got;
        })
        .finally(() => {
          refreshing = undefined;
        });
      return refreshing;
    },
  };
}

async function refresh(
  { tokenUrl, clientId, clientSecret, refreshToken, scope }: OAuth2Settings,
  signal: AbortSignal,
): Promise<AccessToken & { refreshToken: string | undefined }> {
  const { host } = new URL(tokenUrl);
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: clientId,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(scope !== undefined && { scope }),
  });
  let status: number;
  let text: string;
  try {
    const response = await fetch(tokenUrl, {
      method: "POST",
      body,
      headers: { accept: "application/json" },
      // A token is never carried on to another server.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
    });
    status = response.status;
    text = (await response.text()).slice(0, longestAnswer);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdapterError("OAUTH2_UNREACHABLE", `cannot get a token from ${host}: ${reason}`, {
      hint: "Check imap.oauth2.tokenUrl, and whether this machine has a network",
    });
  }
  const parsed = parseJson(text);
  const got = answer.safeParse(parsed);
  if (status === 200 && got.success) {
    const { access_token: value, expires_in: seconds, refresh_token_expires_in: ends } = got.data;
    return {
      value,
      expiresAt: Date.now() + (seconds === undefined ? usualLifeMs : seconds * 1_000),
      refreshEndsAt: ends === undefined ? undefined : Date.now() + ends * 1_000,
      refreshToken: got.data.refresh_token,
    };
  }
  const said = refusal.safeParse(parsed).data;
  const words = cleanLine(
    [said?.error, said?.error_description].filter(Boolean).join(": ") || `status ${status}`,
    200,
  )
    .replaceAll(refreshToken, "…")
    .replaceAll(clientSecret ?? refreshToken, "…");
  if (said !== undefined && status >= 400 && status < 500 && status !== 429) {
    throw new AdapterError("OAUTH2_REFUSED", `${host} gives no token: ${words}`, {
      hint: "The refresh token was revoked or has ended, or the client is not known; get a new one and set it in imap.oauth2",
      retryable: false,
    });
  }
  throw new AdapterError("OAUTH2_UNAVAILABLE", `${host} gives no token at the moment: ${words}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
