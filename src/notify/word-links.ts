import { wordToken, type WordTokenSubject } from "../domain/word-token.ts";
import type { ApprovalRecord, NotificationRecord, Store } from "../store/port.ts";
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
}

/** The page on which the owner gives their word. The route in `web` takes it apart again. */
export const wordPath = (approvalId: number, token: string): string =>
  `/word/${approvalId}/${token}`;

export function wordExtras(
  approval: ApprovalRecord,
  { publicUrl, secret }: WordSettings,
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
    replyToken: isShownWhole(approval) ? token("reply") : null,
  };
}

/** Of any notification; most ask for nothing. */
export const createExtrasFor =
  (
    {
      store,
      clock,
    }: { readonly store: Pick<Store, "getApproval">; readonly clock: { now(): number } },
    settings: WordSettings,
  ) =>
  async ({ approvalId }: Pick<NotificationRecord, "approvalId">): Promise<MessageExtras> => {
    const approval =
      approvalId === null || approvalId === undefined
        ? undefined
        : await store.getApproval(approvalId);
    return approval ? wordExtras(approval, settings, clock.now()) : noExtras;
  };
