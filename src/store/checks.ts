import { and, asc, eq, isNull, ne, notInArray, or, sql } from "drizzle-orm";
import { ordersSkill } from "../domain/standing-orders.ts";
import type { Db } from "./database.ts";
import type { Store } from "./port.ts";
import { blindCheck } from "./looks.ts";
import { resolved } from "./resolved.ts";
import { checks, findings, observations } from "./schema.ts";

/** The rows of the checks that the daemon runs. */

export const checkColumns = {
  name: checks.name,
  skill: checks.skill,
  schedule: checks.schedule,
  enabled: checks.enabled,
  status: checks.status,
  nextDueAt: checks.nextDueAt,
  lastRunAt: checks.lastRunAt,
  lastOkAt: checks.lastOkAt,
  failingSince: checks.failingSince,
  consecutiveFailures: checks.consecutiveFailures,
  lastError: checks.lastError,
};

export function checkWrites(db: Db): Pick<Store, "registerChecks"> {
  /** Nobody looks any more, so nobody would see that they are over. */
  function closeFindingsOf(check: string, at: number): void {
    db.update(findings)
      .set(resolved(at, { isNews: false }))
      .where(
        and(
          ne(findings.status, "resolved"),
          or(
            eq(findings.check, check),
            and(eq(findings.check, blindCheck), eq(findings.key, check)),
          ),
        ),
      )
      .run();
    db.update(observations)
      .set({ goneAt: at })
      .where(and(eq(observations.check, check), isNull(observations.goneAt)))
      .run();
  }

  return {
    async registerChecks(registrations, { at, keepSkills }) {
      return db.transaction(() => {
        for (const { name, skill, schedule, firstDueAt: nextDueAt = null } of registrations) {
          db.insert(checks)
            .values({ name, skill, schedule, nextDueAt })
            .onConflictDoUpdate({
              target: checks.name,
              set: {
                skill,
                schedule,
                enabled: true,
                nextDueAt: sql`case when ${checks.schedule} = ${schedule} then ${checks.nextDueAt} else ${nextDueAt} end`,
              },
            })
            .run();
        }
        const names = registrations.map(({ name }) => name);
        const dropped = db
          .update(checks)
          .set({ enabled: false })
          .where(and(eq(checks.enabled, true), notInArray(checks.name, names)))
          .returning({ name: checks.name, skill: checks.skill, lastRunAt: checks.lastRunAt })
          .all();
        for (const { name, skill, lastRunAt } of dropped) {
          if (keepSkills.includes(skill)) continue;
          closeFindingsOf(name, at);
          // That the owner has written half of an order for a moment need not be remembered.
          if (skill === ordersSkill && lastRunAt === null)
            db.delete(checks).where(eq(checks.name, name)).run();
        }
        return db
          .select(checkColumns)
          .from(checks)
          .where(eq(checks.enabled, true))
          .orderBy(asc(checks.name))
          .all();
      });
    },
  };
}
