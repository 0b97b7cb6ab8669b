import { WatchkeeperError } from "../domain/errors.ts";
import type { ApprovalRecord, EffectRecord, Store, StoreReader } from "../store/port.ts";

/** The owner's word on a call that was asked, given on the command line or over HTTP. */

type OwnerWord = Parameters<Store["decideApproval"]>[1];

/** Nobody may have come by since its time was over. */
export const statusAt = ({ status, expiresAt }: ApprovalRecord, now: number) =>
  status === "pending" && expiresAt <= now ? "expired" : status;

/** @throws WatchkeeperError when there is none of that id. */
export async function findApproval(
  store: StoreReader,
  id: number,
): Promise<{ approval: ApprovalRecord; effect: EffectRecord | undefined }> {
  const approval = await store.getApproval(id);
  if (!approval) {
    throw new WatchkeeperError("APPROVAL_UNKNOWN", `there is no approval ${id}`, {
      hint: "`watchkeeper approvals --all` lists them",
    });
  }
  const { effectId } = approval;
  return { approval, effect: effectId === null ? undefined : await store.getEffect(effectId) };
}

/** @throws WatchkeeperError when it does not wait for a word any more, or is none. */
export async function findPending(
  store: StoreReader,
  id: number,
  now: number,
): Promise<ApprovalRecord> {
  const { approval } = await findApproval(store, id);
  if (statusAt(approval, now) !== "pending") throw await whyRefused(store, id, { at: now });
  return approval;
}

/**
 * Writes the word down; the daemon has to be woken to carry out what is approved.
 * @throws WatchkeeperError when it does not count: it was decided before, has expired, or is another call
 */
export async function giveWord(store: Store, id: number, word: OwnerWord): Promise<ApprovalRecord> {
  const decided = await store.decideApproval(id, word);
  if (!decided) throw await whyRefused(store, id, word);
  return decided;
}

async function whyRefused(
  store: StoreReader,
  id: number,
  { at, shownHash }: Pick<OwnerWord, "at" | "shownHash">,
): Promise<WatchkeeperError> {
  const { approval, effect } = await findApproval(store, id);
  const status = statusAt(approval, at);
  if (status === "expired") {
    return new WatchkeeperError("APPROVAL_EXPIRED", `approval ${id} has expired; it was not done`, {
      hint: "It is asked again when it still matters; what waits stands in `watchkeeper approvals`",
    });
  }
  if (status === "pending" && shownHash !== approval.argumentsHash) {
    return new WatchkeeperError(
      "APPROVAL_CHANGED",
      `approval ${id} is not the call you were shown`,
      {
        hint: "Nothing was decided; look at it again",
      },
    );
  }
  const since = effect ? `, and its effect ${effect.id} is ${effect.state}` : "";
  return new WatchkeeperError("APPROVAL_DECIDED", `approval ${id} was ${status} already${since}`, {
    hint: `\`watchkeeper approvals show ${id}\` shows all of it`,
  });
}
