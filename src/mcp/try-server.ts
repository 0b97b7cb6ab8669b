import { formatDuration } from "../domain/duration.ts";
import { connect } from "./connection.ts";
import { readTools, type ReadList } from "./listed-tools.ts";
import type { ServerSettings } from "./settings.ts";

export interface TryOptions {
  readonly version: string;
  /** Longer than this no server is waited for, whatever its own timeout. */
  readonly mostMs: number;
}

/**
 * Connects once, in either protocol, and reads the tools; nothing is kept.
 * @throws Error with the server's last words when it cannot be used
 */
export async function tryServer(
  settings: ServerSettings,
  { version, mostMs }: TryOptions,
): Promise<ReadList> {
  const ms = Math.min(settings.timeoutMs, mostMs);
  const signal = AbortSignal.timeout(ms);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => undefined);
  const tell = () => late.reject(new Error(`no answer within ${formatDuration(ms)}`));
  signal.addEventListener("abort", tell, { once: true });
  const once = async (mode: "legacy" | "auto"): Promise<ReadList> => {
    const connection = await connect(settings, { version, mode, signal, toolsChanged() {} });
    try {
      return readTools(settings, await connection.listTools(signal), new Set());
    } finally {
      await connection.close();
    }
  };
  const either = once("legacy").catch(async (error: unknown) => {
    if (signal.aborted) throw error;
    try {
      return await once("auto");
    } catch {
      // What the usual handshake ended with says more than what a guess at the other did.
      throw error;
    }
  });
  either.catch(() => undefined);
  try {
    return await Promise.race([either, late.promise]);
  } finally {
    signal.removeEventListener("abort", tell);
  }
}
