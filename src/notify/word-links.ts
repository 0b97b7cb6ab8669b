import type { Clock } from "../domain/clock.ts";
import { wordToken, type WordTokenSubject } from "../domain/word-token.ts";
import type { ApprovalRecord, NotificationRecord, StoreReader } from "../store/port.ts";
import { isShownWhole } from "./asking.ts";
import { noExtras, type MessageExtras } from "./message.ts";

/**
 * The links and the reply token that go with a message which asks for the owner's word. They are made for each
 * delivery, and kept nowhere.
 */

export interface WordSettings {
  /** Scheme and host of the page from outside; without it there are no links. */
  readonly publicUrl: string | undefined;
  /** The daemon's own; null when it cannot be used, and then nothing can be answered but by command. */
  readonly secret: string | null;
  /** Whether somebody reads replies by e-mail, so that they may be asked for. */
  readonly repliesCount: boolean;
}

/** The page on which the owner gives their word. The route in `web` takes it apart again. */
export const wordPath = (approvalId: number, token: string): string =>
  `/word/${approvalId}/${token}`;

export function wordExtras(
  approval: ApprovalRecord,
  { publicUrl, secret, repliesCount }: WordSettings,
  now: number,
): MessageExtras {
  const { id: approvalId, argumentsHash, status, expiresAt } = approval;
  if (secret === null || status !== "pending" || expiresAt <= now) return noExtras;
  const token = (use: WordTokenSubject["use"]) =>
    wordToken(secret, { approvalId, argumentsHash, expiresAt, use });
  const link = (label: string, use: "approve" | "deny") => ({
    label,
    url: `${publicUrl}${wordPath(approvalId, token(use))}`,
  });
  return {
    links: publicUrl === undefined ? [] : [link("Approve", "approve"), link("Deny", "deny")],
    // Whoever replies has seen the message and nothing more.
    replyToken: repliesCount && isShownWhole(approval) ? token("reply") : null,
  };
}

/** Above it a digest has the commands alone. */
const mostInDigest = 3;

/** Of a digest, which shows nothing of what would be done: one link for each, to the page that does. */
function digestExtras(
  approvals: readonly ApprovalRecord[],
  settings: WordSettings,
  now: number,
): MessageExtras {
  const links = approvals.flatMap((approval) =>
    wordExtras(approval, settings, now)
      .links.slice(0, 1)
      .map(({ url }) => ({ label: `Approval ${approval.id}`, url })),
  );
  return { links: links.slice(0, mostInDigest), replyToken: null };
}

/** Of any notification; most ask for nothing. */
export const createExtrasFor =
  (
    {
      store,
      clock,
    }: {
      readonly store: Pick<StoreReader, "getApproval" | "approvalsInDigest">;
      readonly clock: Pick<Clock, "now">;
    },
    settings: WordSettings,
  ) =>
  async (asked: Pick<NotificationRecord, "id" | "kind" | "approvalId">): Promise<MessageExtras> => {
    const now = clock.now();
    if (asked.kind === "digest") {
      return digestExtras(await store.approvalsInDigest(asked.id), settings, now);
    }
    const approval = asked.approvalId ? await store.getApproval(asked.approvalId) : undefined;
    return approval ? wordExtras(approval, settings, now) : noExtras;
  };
