import { describeFailure } from "./failure.ts";
import { anthropicUrl, unusableKey } from "./anthropic.ts";
import { causeInWords } from "./cause.ts";

const patienceMs = 20_000;

/**
 * Asks the provider for its list of models, which costs nothing and wants a key.
 * @returns why the key cannot be used, in one line without the key; undefined when it can, or when the
 *   endpoint has no such list. Never throws.
 */
export async function checkKey({
  apiKey,
  baseUrl,
  signal,
}: {
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  readonly signal: AbortSignal;
}): Promise<string | undefined> {
  const unusable = unusableKey(apiKey, baseUrl);
  if (unusable !== undefined) return unusable;
  const { default: Client } = await import("@anthropic-ai/sdk");
  const client = new Client({
    apiKey,
    baseURL: baseUrl ?? anthropicUrl,
    maxRetries: 0,
    timeout: patienceMs,
    logLevel: "off",
    openTelemetry: false,
    fetch: async (url, init) => fetch(url, { ...init, redirect: "manual" }),
  });
  try {
    await client.models.list({ limit: 1 }, { signal });
    return undefined;
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) return undefined;
    const { kind, message } = describeFailure(error, {
      now: Date.now(),
      begun: false,
      secrets: [apiKey],
    });
    return `${causeInWords[kind]}: ${message}`;
  }
}
