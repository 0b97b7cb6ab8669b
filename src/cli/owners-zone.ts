import { hostTimezone } from "../config/host-timezone.ts";
import type { StoreReader } from "../store/index.ts";

/**
 * The zone in which a command prints times: the configured one that the daemon of this state directory last
 * ran with, so that commands need no configuration; else the host's.
 * @param store undefined when nothing was ever saved
 * @returns an IANA name
 */
export async function ownersZone(
  store: Pick<StoreReader, "timezone"> | undefined,
): Promise<string> {
  return (await store?.timezone()) ?? hostTimezone();
}
