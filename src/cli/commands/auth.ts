import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CodeChallengeMethod, OAuth2Client } from "google-auth-library";
import { z } from "zod";
import { loadConfig } from "../../config/load.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { whyUnusableStateDir } from "../../store/database.ts";
import { giveAllToOwner } from "../../store/index.ts";
import { exit, type CommandContext } from "../context.ts";
import { listenForConsent } from "../google-consent.ts";
import { wrap } from "../text.ts";

/** As much of the calendar skill's config as a login needs; the skill itself checks the rest. */
const calendarPart = z.object({
  sources: z.array(
    z.object({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/),
      google: z
        .object({
          clientId: z.string().optional(),
          clientSecret: z.string().optional(),
          authUrl: z.url().optional(),
          tokenUrl: z.url().optional(),
        })
        .optional(),
    }),
  ),
});

interface GoogleClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authUrl?: string | undefined;
  readonly tokenUrl?: string | undefined;
}

const scope = "https://www.googleapis.com/auth/calendar.events";
const patienceMs = 10 * 60_000;
const exchangeMs = 20_000;
const largestAnswer = 100_000;

/** Gets a login for the calendars at Google: the owner says yes in the browser, on this machine. */
export async function authGoogle(
  context: CommandContext,
  { source }: { source?: string },
): Promise<number> {
  offerPublicApi(context.packageInfo.root);
  const { configFile: file, environment, stateDir, out, err, json } = context;
  const config = await loadConfig({ file, environment });
  const { name, client } = chooseClient(config.skills.get("calendar"), source);
  const unusable = whyUnusableStateDir(stateDir);
  if (unusable) throw unusable;

  await using listener = await listenForConsent();
  const { redirectUri } = listener;
  const { default: library } = await import("google-auth-library");
  const { clientId, clientSecret, authUrl, tokenUrl } = client;
  const oauth = new library.OAuth2Client({
    clientId,
    clientSecret,
    redirectUri,
    endpoints: {
      ...(authUrl ? { oauth2AuthBaseUrl: authUrl } : {}),
      ...(tokenUrl ? { oauth2TokenUrl: tokenUrl } : {}),
    },
    transporterOptions: { retry: false, fetchImplementation: smallAnswers },
  });
  const { codeVerifier, codeChallenge } = await oauth.generateCodeVerifierAsync();
  const state = randomBytes(24).toString("base64url");
  const url = oauth.generateAuthUrl({
    access_type: "offline",
    prompt: "consent",
    scope,
    state,
    code_challenge: codeChallenge ?? "",
    code_challenge_method: "S256" as CodeChallengeMethod,
  });
  // What is printed as JSON stands alone on standard output.
  (json ? err : out).write(`Open this address in a browser on this machine:\n\n${url}\n\n`);
  const code = await listener.code(state, patienceMs);
  const refreshToken = await exchange(oauth, { code, codeVerifier, redirectUri });

  const tokenFile = name === undefined ? "google.token.json" : `google-${name}.token.json`;
  const saved = join(stateDir, "skills", "calendar", tokenFile);
  await savePrivately(saved, JSON.stringify({ refreshToken, clientId }));
  giveAllToOwner(stateDir);
  if (json) out.write(`${JSON.stringify({ source: name ?? null, file: saved }, null, 2)}\n`);
  else {
    const whose = name === undefined ? "the calendars at Google" : `calendar "${name}"`;
    out.write(
      `${wrap(`The login for ${whose} is saved, for this user only: ${saved}`, out.columns)}\n`,
    );
  }
  return exit.done;
}

/** @returns the client of the source that is meant, and its name when the login is for it alone */
function chooseClient(
  part: unknown,
  wanted: string | undefined,
): { name: string | undefined; client: GoogleClient } {
  const sources = calendarPart.safeParse(part).data?.sources ?? [];
  const google = sources.filter((one) => one.google !== undefined);
  const names = google.map((one) => one.name);
  if (google.length === 0) {
    throw new ConfigError(
      "GOOGLE_NOT_CONFIGURED",
      "no calendar of the configuration is at Google",
      {
        hint: 'Add one: calendar: { sources: [{ name: "google", google: { … } }] }',
      },
    );
  }
  const chosen = wanted === undefined ? google : google.filter((one) => one.name === wanted);
  if (chosen.length === 0) {
    throw new ConfigError(
      "GOOGLE_NOT_CONFIGURED",
      `no calendar at Google is named "${oneLine(wanted ?? "", 40)}"`,
      {
        hint: `There is: ${names.join(", ")}`,
      },
    );
  }
  const clients = new Set(chosen.map((one) => one.google?.clientId));
  if (clients.size > 1) {
    throw new ConfigError("GOOGLE_WHICH_SOURCE", "the calendars at Google have different clients", {
      hint: `Name one with --source: ${names.join(", ")}`,
    });
  }
  const { clientId, clientSecret, authUrl, tokenUrl } = chosen[0]?.google ?? {};
  if (!clientId || !clientSecret) {
    throw new ConfigError(
      "GOOGLE_NOT_CONFIGURED",
      `calendar "${chosen[0]?.name}" has no OAuth client`,
      {
        hint: "Write clientId and clientSecret into google; docs/configuration.md says where they come from",
      },
    );
  }
  return { name: wanted, client: { clientId, clientSecret, authUrl, tokenUrl } };
}

const tokens = z.object({ refresh_token: z.string().min(1).max(5_000) });

async function exchange(
  oauth: OAuth2Client,
  { code, codeVerifier, redirectUri }: { code: string; codeVerifier: string; redirectUri: string },
): Promise<string> {
  let answer: unknown;
  try {
    ({ tokens: answer } = await oauth.getToken({ code, codeVerifier, redirect_uri: redirectUri }));
  } catch (error) {
    // No cause goes along: its request holds the code and the client's secret.
    throw new WatchkeeperError("GOOGLE_LOGIN_FAILED", `Google gives no login: ${reasonOf(error)}`, {
      hint: "Check clientId and clientSecret, then run `watchkeeper auth google` again",
    });
  }
  const parsed = tokens.safeParse(answer);
  if (parsed.success) return parsed.data.refresh_token;
  throw new WatchkeeperError(
    "GOOGLE_LOGIN_FAILED",
    "Google gives no login: its answer holds no refresh token",
    {
      hint: "Is tokenUrl right? Else take the access away in the Google account, and run it again",
    },
  );
}

function reasonOf(error: unknown): string {
  const said = (error as { response?: { data?: { error?: unknown } } } | null)?.response?.data
    ?.error;
  if (typeof said === "string") return oneLine(said, 100);
  const message = error instanceof Error ? error.message : "";
  return oneLine(message, 100) || "unknown error";
}

/** What a token endpoint says is short; a redirect would take the secret elsewhere. */
const smallAnswers: typeof fetch = async (input, init) => {
  const response = await fetch(input, {
    ...init,
    redirect: "error",
    signal: AbortSignal.timeout(exchangeMs),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error("the answer is too long");
    parts.push(chunk);
  }
  const { status, statusText } = response;
  const type = response.headers.get("content-type") ?? "text/plain";
  return new Response(Buffer.concat(parts), {
    status,
    statusText,
    headers: { "content-type": type },
  });
};

async function savePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomUUID()}`;
  try {
    await writeFile(beside, text, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
