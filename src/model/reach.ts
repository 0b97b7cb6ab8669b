import { systemClock } from "../domain/clock.ts";
import { openClient, unusableKey, type AnthropicModelOptions } from "./anthropic.ts";
import { describeFailure, plainLine } from "./failure.ts";
import type { ModelFailure } from "./port.ts";
import { startWatch } from "./watch.ts";

/**
 * - `known`: the key is taken, and there is a model of this id
 * - `answers`: the server has no such list to ask, so neither key nor model is known to be right
 */
export type Reach = "known" | "answers" | ModelFailure;

/**
 * Looks a model up in its provider's list: whether it is there and takes the key shows, and it costs nothing.
 * Never throws.
 */
export async function reachModel(
  options: AnthropicModelOptions & { readonly apiKey: string | undefined },
  signal: AbortSignal,
): Promise<Reach> {
  const { model, baseUrl, clock = systemClock, requestTimeoutMs = 20_000 } = options;
  const apiKey = options.apiKey?.trim() || undefined;
  const unusable = unusableKey(apiKey, baseUrl);
  if (unusable !== undefined) return { kind: "auth", message: unusable, unbilled: true };
  const secrets = apiKey === undefined ? [] : [apiKey];
  const { default: Client } = await import("@anthropic-ai/sdk");
  const watch = startWatch({ clock, idleTimeoutMs: requestTimeoutMs, requestTimeoutMs, signal });
  try {
    const client = openClient(Client, { ...options, requestTimeoutMs }, apiKey, watch);
    const found: unknown = await client.models.retrieve(model, {}, { signal: watch.signal });
    return isModel(found) ? "known" : "answers";
  } catch (error) {
    const failure =
      watch.stopped(false) ?? describeFailure(error, { now: clock.now(), begun: false, secrets });
    // Anthropic knows all of its models; of another server it only says that it keeps no list.
    if (baseUrl !== undefined && statusOf(error) === 404) return "answers";
    return { ...failure, message: plainLine(failure.message, secrets) };
  } finally {
    watch.end();
  }
}

const isModel = (found: unknown): boolean =>
  typeof found === "object" && found !== null && "id" in found && typeof found.id === "string";

const statusOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
