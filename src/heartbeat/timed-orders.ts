import { describeError } from "../domain/errors.ts";
import { formatDuration } from "../domain/duration.ts";
import type { Scrub } from "../domain/scrub.ts";
import { ordersSkill, parseStandingOrders, type TimedOrder } from "../domain/standing-orders.ts";
import { readOwnerText, standingOrdersFile } from "../memory/owner-file.ts";
import { silentSkillLog, type LoadedCheck } from "../skills/load.ts";

/** The timed items of the owner's standing orders, as checks whose observation is the item itself. */

export interface TimedOrders {
  readonly checks: readonly LoadedCheck[];
  /** What of the file cannot be followed, one line each, in the owner's words and ours. */
  readonly problems: readonly string[];
  /** False when the file is there and cannot be read: then nobody knows what it orders. */
  readonly isRead: boolean;
}

/** Never rejects. @param scrub takes secrets out before a name is made of the words around them */
export async function readTimedOrders(stateDir: string, scrub: Scrub): Promise<TimedOrders> {
  try {
    const { text, isCut } = await readOwnerText(stateDir, standingOrdersFile);
    const { orders, problems } = parseStandingOrders(scrub(text), { isCut });
    return { checks: orders.map(checkOf), problems, isRead: true };
  } catch (error) {
    const problem = `it cannot be read: ${scrub(describeError(error))}`;
    return { checks: [], problems: [problem], isRead: false };
  }
}

/** One finding for each order: that it is due once more changes it, so that a night makes one and not five. */
function checkOf({ slug, text, everyMs }: TimedOrder): LoadedCheck {
  const schedule = { kind: "interval", everyMs } as const;
  const due = `Due now: a standing order, every ${formatDuration(everyMs)}.`;
  return {
    name: `${ordersSkill}/${slug}`,
    skill: ordersSkill,
    schedule,
    timeoutMs: 10_000,
    log: silentSkillLog(),
    observe: ({ now }) =>
      Promise.resolve({
        observations: [
          {
            key: "due",
            severity: "notice",
            trust: "trusted",
            title: text,
            text: text.includes("\n") ? `${due}\n${text}` : due,
            fingerprint: now.toISOString(),
            since: now,
            // When it was due once more at the latest: what is over soon does not wait to be gathered.
            closesAt: new Date(now.getTime() + 1.5 * everyMs),
          },
        ],
        complete: true,
      }),
  };
}
