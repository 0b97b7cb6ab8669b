import type { ResolvedConfig } from "../config/load.ts";
import type { RouteInput } from "../domain/attention.ts";

/** What the owner has said of when to be told. */
export type AttentionSettings = Pick<
  RouteInput,
  "quietHours" | "timezone" | "digestAt" | "interruptionsPerDay"
>;

export const attentionSettings = ({ notify, timezone }: ResolvedConfig): AttentionSettings => ({
  quietHours: notify.quietHours ?? null,
  timezone,
  digestAt: notify.digestAt,
  interruptionsPerDay: notify.interruptionsPerDay,
});
