import type { Clock } from "../domain/clock.ts";
import {
  firstStillOpenAt,
  nextReminder,
  routeReminder,
  stillOpenAt,
  type ToldFinding,
} from "../domain/reminder.ts";
import type { AttentionSettings } from "../notify/attention-settings.ts";
import { composeDigest, worthTelling } from "../notify/digest.ts";
import { composeReminders } from "../notify/reminders.ts";
import type { Store } from "../store/port.ts";

/** What is told because of the time alone: reminders of what stays open, and the digest. */

export interface RemindDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly attention: AttentionSettings;
  readonly interruptionsToday: () => Promise<number>;
}

const soonestOf = (times: readonly number[]): number | null =>
  times.length > 0 ? Math.min(...times) : null;

/** Reminds of critical findings whose time has come. @returns when the next one is due, or null */
export async function remind(dependencies: RemindDependencies): Promise<number | null> {
  const { store, clock, attention } = dependencies;
  const now = clock.now();
  const planned = (await store.openFindingsTold("critical")).flatMap((told) => {
    const reminder = nextReminder(told, { ...attention, now });
    return reminder ? [{ ...told, reminder }] : [];
  });
  const due = planned.filter(({ reminder }) => reminder.at <= now);
  if (due.length === 0) return soonestOf(planned.map(({ reminder }) => reminder.at));
  const interruptionsToday = await dependencies.interruptionsToday();
  const way = routeReminder({ ...attention, now, interruptionsToday });
  const notifications = composeReminders(due, way, { now, timezone: attention.timezone });
  // With the verdicts' own write: all of them, and that they were said, or none.
  await store.applyVerdicts({ at: now, verdicts: [], notifications });
  return remind(dependencies);
}

/** Sends the digest when it is due. @returns when the next one is, or null when nothing waits for it */
export async function sendDigest(dependencies: RemindDependencies): Promise<number | null> {
  const { store, clock, attention } = dependencies;
  const now = clock.now();
  const warnings = await store.openFindingsTold("warning");
  const openAt = firstStillOpenAt(warnings, { ...attention, now });
  const heldAt = await store.nextDigestAt(now);
  const dueAt = soonestOf([openAt, heldAt].filter((at) => at !== null));
  if (dueAt === null || dueAt > now) return dueAt;

  const held = await store.heldNotifications(now);
  const ids = held.flatMap((item) => item.findings);
  const findings = await store.getFindings(ids);
  const worth = worthTelling(held, findings, await store.tellingHistories(ids, now));
  const said = new Set(worth.flatMap((item) => item.findings));
  const isDue = (told: ToldFinding): boolean =>
    (stillOpenAt(told, { ...attention, now }) ?? Infinity) <= now;
  const stillOpen = warnings.filter((told) => !said.has(told.finding.id) && isDue(told));
  const digest =
    worth.length + stillOpen.length > 0
      ? composeDigest(worth, oldestFirst(stillOpen), {
          findings: new Map(findings.map((finding) => [finding.id, finding])),
          now,
        })
      : null;
  await store.foldIntoDigest(
    held.map(({ id }) => id),
    digest,
    now,
  );
  return sendDigest(dependencies);
}

const oldestFirst = (told: readonly ToldFinding[]): ToldFinding[] =>
  told.toSorted((a, b) => a.finding.openedAt - b.finding.openedAt);
