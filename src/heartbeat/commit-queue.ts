import { describeError } from "../domain/errors.ts";
import type { Look, LookOutcome, Store } from "../store/port.ts";

/** Saves one look; resolves when it is on the disk, or was refused. Never rejects. */
export type CommitQueue = (look: Look) => Promise<LookOutcome>;

/**
 * Looks that end in the same turn of the event loop are saved in one transaction: with
 * `synchronous=FULL` each transaction costs a wait for the disk.
 */
export function createCommitQueue(store: Pick<Store, "commitLooks">): CommitQueue {
  let waiting: { look: Look; settle: (outcome: LookOutcome) => void }[] = [];

  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    let outcomes: LookOutcome[];
    try {
      outcomes = await store.commitLooks(batch.map(({ look }) => look));
    } catch (error) {
      outcomes = batch.map(({ look }) => ({ check: look.check, error: describeError(error) }));
    }
    batch.forEach(({ look, settle }, index) => {
      settle(outcomes[index] ?? { check: look.check, error: "the store gave no answer" });
    });
  }

  return (look) =>
    new Promise((settle) => {
      waiting.push({ look, settle });
      if (waiting.length === 1) setImmediate(() => void flush());
    });
}
