import type { ResolvedConfig } from "../../config/load.ts";
import { createScrub } from "../../domain/scrub.ts";
import { readTimedOrders } from "../../heartbeat/timed-orders.ts";
import { standingOrdersFile as name } from "../../memory/owner-file.ts";
import type { CommandContext } from "../context.ts";
import { plural } from "../text.ts";
import { ok, warn, type Diagnosis } from "./diagnosis.ts";

/** What in the owner's standing orders was meant to be timed and is not. */
export async function diagnoseOrders(
  { secrets }: ResolvedConfig,
  { stateDir }: CommandContext,
): Promise<Diagnosis[]> {
  const { checks, problems } = await readTimedOrders(stateDir, createScrub(secrets));
  if (problems.length > 0) return problems.map((message) => warn(name, message));
  return checks.length === 0 ? [] : [ok(name, plural(checks.length, "timed order"))];
}
