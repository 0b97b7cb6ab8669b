import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { causeInWords, isOutage } from "../model/cause.ts";
import type { ModelChain } from "../model/chain.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";

/** Under this name stands the finding that says that no model can be asked. */
export const outageCheck = "watchkeeper/model";
const outage = { check: outageCheck, key: "model" } as const;

/** The same chain, whose outage is a finding: opened by the first call that fails, resolved by the next reply. */
export function tellOutages(
  chain: ModelChain,
  { store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log },
): ModelChain {
  // Not known at first: an earlier daemon may have left it open.
  let isOpen: boolean | null = null;

  async function save(open: boolean, work: () => Promise<unknown>): Promise<void> {
    if (isOpen === open) return;
    try {
      await work();
      isOpen = open;
    } catch (error) {
      log.error({ error: describeError(error) }, "the model's outage could not be saved");
    }
  }

  return {
    name: chain.name,
    availability: (now) => chain.availability(now),
    askAgain: () => chain.askAgain(),
    async complete(request, options) {
      const reply = await chain.complete(request, options);
      const at = clock.now();
      if (reply.ok) {
        await save(false, () => store.resolveOwnFinding({ ...outage, at }));
      } else if (isOutage(reply.failure.kind)) {
        const { kind } = reply.failure;
        const availability = chain.availability(at);
        const next = availability.ready
          ? "It is asked again at the next occasion."
          : `${availability.reason}.`;
        const title = `No model can be asked: ${causeInWords[kind]}`;
        const text = `The rules decide until one replies again. ${next} \`watchkeeper runs\` shows the error.`;
        await save(true, () =>
          store.setOwnFinding({ ...outage, at, severity: "warning", title, text }),
        );
      }
      return reply;
    },
  };
}
