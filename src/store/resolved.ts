import { sql } from "drizzle-orm";
import { findings } from "./schema.ts";

/** Of an update of a finding: nobody needs to hear of this revision. */
export const handled = { handledRevision: sql`${findings.revision} + 1` };

/** What a finding becomes when it is over; `isNews` when somebody has to hear of it. */
export const resolved = (at: number, { isNews }: { readonly isNews: boolean }) => ({
  state: "resolved" as const,
  status: "resolved" as const,
  resolvedAt: at,
  changedAt: at,
  revision: sql`${findings.revision} + 1`,
  ...(isNews ? {} : handled),
});
