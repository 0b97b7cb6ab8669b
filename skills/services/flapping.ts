import { z } from "watchkeeper";
import type { FlappingRule } from "./target.ts";

/** Going down and up so often that each time is no news any more. */

export const flappingSchema = z.object({
  /** When it went down; at most as many as are counted. */
  downs: z.array(z.int()).max(100),
  /** When it last went down or came up. */
  changedAt: z.int().nullable(),
  /** Since when it has been flapping, and how often it went down since. */
  since: z.int().nullable(),
  count: z.int().min(0),
});

export type Flapping = z.output<typeof flappingSchema>;

export const steady: Flapping = { downs: [], changedAt: null, since: null, count: 0 };

/**
 * A target flaps once it went down as often as the rule says within its time. It is steady again when
 * nothing has changed for half of that time, however it is then.
 */
export function weighFlapping(
  before: Flapping,
  change: "went-down" | "came-up" | null,
  rule: FlappingRule | null,
  now: number,
): Flapping {
  if (rule === null) return steady;
  const recent = before.downs.filter((at) => at > now - rule.withinMs);
  const downs = (change === "went-down" ? [...recent, now] : recent).slice(-rule.downs);
  const changedAt = change === null ? before.changedAt : now;
  if (before.since !== null) {
    const isSteady = changedAt === null || now - changedAt >= rule.withinMs / 2;
    if (isSteady) return { downs: [], changedAt, since: null, count: 0 };
    const count = before.count + (change === "went-down" ? 1 : 0);
    return { downs, changedAt, since: before.since, count };
  }
  const [first] = downs;
  return downs.length >= rule.downs && first !== undefined
    ? { downs, changedAt, since: first, count: downs.length }
    : { downs, changedAt, since: null, count: 0 };
}
