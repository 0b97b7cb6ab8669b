import type { NotificationMail, ObservationInput, ObserveInput } from "watchkeeper";
import type { MailStore } from "./mail-store.ts";
import type { Mailbox } from "./mailbox.ts";
import { parseWhole } from "./message.ts";
import { excerptLength } from "./observation.ts";
import { receivedMail } from "./received-mail.ts";
import {
  nothingWaits,
  observeWaiting,
  type TimedMessage,
  track,
  type Waited,
  waitingState,
  withoutAnswered,
} from "./waiting.ts";

/** What of an account is needed to see what waits for an answer. */
export interface WaitingAccount {
  readonly address: string;
  readonly waitMs: number;
  /** The folder of sent mail; its look gives undefined when there is none. */
  readonly sent: { look(...input: Parameters<Mailbox["look"]>): Promise<SentLook> };
  readonly store: Pick<MailStore, "isMarked">;
  readonly notificationMail: NotificationMail;
}

type SentLook = Awaited<ReturnType<Mailbox["look"]>> | undefined;

export interface WaitingLook {
  readonly observations: readonly ObservationInput[];
  readonly gone: readonly string[];
  readonly notes: readonly string[];
  /** For the bookmark. */
  readonly saved: { readonly sent: unknown; readonly state: unknown };
}

const mostSent = 200;
const mostAsked = 10;
const askAgainMs = 6 * 3_600_000;

/** @param incoming what came into the watched folders with this look, without our own mail */
export async function lookForWaiting(
  account: WaitingAccount,
  saved: { readonly sent: unknown; readonly state: unknown },
  incoming: readonly TimedMessage[],
  { now, signal }: Pick<ObserveInput, "now" | "signal">,
): Promise<WaitingLook> {
  const sent: TimedMessage[] = [];
  const notes: string[] = [];
  let bookmark = saved.sent;
  try {
    const looked = await account.sent.look({
      cursor: saved.sent ?? null,
      most: mostSent,
      now,
      signal,
      onMessage: async (stored) => {
        const parsed = await parseWhole(stored, excerptLength).catch(() => undefined);
        // Many servers keep a copy of what the daemon sends to its owner there: no question of the owner's.
        if (parsed === undefined || account.notificationMail.isOurs(receivedMail(parsed))) return;
        const { message } = parsed;
        sent.push({ message: { ...message, headers: [] }, arrivedAt: stored.arrivedAt });
      },
      onUnreadable: () => undefined,
    });
    bookmark = looked?.cursor ?? saved.sent;
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    notes.push(`the folder of sent mail was not looked at: ${reason}`);
    // Nothing of it counts: it is all looked at again.
    sent.length = 0;
  }
  const { address, waitMs } = account;
  const before = waitingState.safeParse(saved.state).data ?? nothingWaits;
  const tracked = track(before, { incoming, sent, address, waitMs, now: now.getTime() });
  const waited = await askMailbox(account, tracked, { now, signal });
  return {
    observations: waited.overdue.map((each) => observeWaiting(each, waitMs)),
    gone: waited.gone,
    notes,
    saved: { sent: bookmark, state: waited.state },
  };
}

/** A mail program marks what was answered, wherever it keeps the answer. */
async function askMailbox(
  { store }: WaitingAccount,
  tracked: Waited,
  { now, signal }: Pick<ObserveInput, "now" | "signal">,
): Promise<Waited> {
  const nowMs = now.getTime();
  const due = tracked.overdue
    .filter(({ waitsFor, checkedAt }) => waitsFor === "owner" && nowMs - checkedAt >= askAgainMs)
    .slice(0, mostAsked);
  const answered = new Set<string>();
  for (const { id } of due) {
    const state = await store.isMarked(id, { kind: "answered" }, { now, signal }).catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
    if (state?.marked) answered.add(id);
  }
  return withoutAnswered(tracked, { answered, asked: new Set(due.map(({ id }) => id)) }, nowMs);
}
