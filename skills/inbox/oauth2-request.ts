import { AdapterError, z } from "watchkeeper";
import type { OAuth2Settings } from "./config.ts";
import { cleanLine } from "./plain-text.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** What a provider gives for a refresh token (RFC 6749, section 6). */
export interface GivenToken {
  readonly value: string;
  readonly expiresAt: number;
  /** When the refresh token ends, where the provider says so. */
  readonly refreshEndsAt: number | undefined;
  /** To be used from now on, where the provider gives a new one each time. */
  readonly refreshToken: string | undefined;
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

const usualLifeMs = 30 * 60_000;
const longestWaitMs = 15_000;
const longestAnswer = 64 * 1024;

/**
 * Asks for one access token. It is not to be stopped half-way: the answer may hold the only refresh
 * token that is still good.
 * @throws AdapterError OAUTH2_REFUSED, OAUTH2_UNAVAILABLE or OAUTH2_UNREACHABLE, without the secrets
 */
export async function requestToken(
  settings: OAuth2Settings,
  refreshToken: string,
): Promise<GivenToken> {
  const { tokenUrl, clientId, clientSecret, scope } = settings;
  const { host } = new URL(tokenUrl);
  const secrets = [refreshToken, ...(clientSecret === undefined ? [] : [clientSecret])];
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
      signal: AbortSignal.timeout(longestWaitMs),
    });
    status = response.status;
    text = await readShort(response);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdapterError("OAUTH2_UNREACHABLE", `cannot get a token from ${host}: ${reason}`, {
      hint: "Check oauth2.tokenUrl in the inbox account, and whether this machine has a network",
    });
  }
  const parsed = parseJson(text);
  const got = answer.safeParse(parsed);
  if (status === 200 && got.success) return readAnswer(got.data);
  const said = refusal.safeParse(parsed).data;
  const reason = [said?.error, said?.error_description].filter(Boolean).join(": ");
  const words = cleanLine(
    withoutSecrets(reason || `status ${status}`, { user: clientId, secrets }),
    200,
  );
  if (said !== undefined && status >= 400 && status < 500 && status !== 429) {
    throw new AdapterError("OAUTH2_REFUSED", `${host} gives no token: ${words}`, {
      hint: "The refresh token was revoked or has ended, or the client is not known; get a new one and set it in oauth2.refreshToken of the inbox account",
      retryable: false,
    });
  }
  throw new AdapterError("OAUTH2_UNAVAILABLE", `${host} gives no token at the moment: ${words}`);
}

function readAnswer(given: z.output<typeof answer>): GivenToken {
  const { access_token: value, expires_in: seconds, refresh_token_expires_in: ends } = given;
  const now = Date.now();
  return {
    value,
    expiresAt: now + (seconds === undefined ? usualLifeMs : seconds * 1_000),
    refreshEndsAt: ends === undefined ? undefined : now + ends * 1_000,
    refreshToken: given.refresh_token,
  };
}

/** What is longer than any answer with a token is not read to its end. */
async function readShort(response: Response): Promise<string> {
  const body: AsyncIterable<Uint8Array> | null = response.body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > longestAnswer) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, longestAnswer);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
