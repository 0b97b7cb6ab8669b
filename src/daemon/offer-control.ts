import { listenForControl } from "../control.ts";
import type { Watch } from "../daemon.ts";
import { describeError } from "../domain/errors.ts";
import type { Log } from "../telemetry/log.ts";

/** Opens `control.sock` for a watch; without it the daemon goes on, only unreachable. */
export async function offerControl(
  watch: Watch,
  stateDir: string,
  log: Log,
): Promise<AsyncDisposable> {
  try {
    return await listenForControl(stateDir, {
      async beat({ checks }) {
        const summary = await watch.beatNow(checks);
        return { beatId: summary.id };
      },
      undo: (effectId) => watch.undo(effectId),
      wake: () => watch.heartbeat.wake(),
      resume: () => watch.askAgain(),
    });
  } catch (error) {
    log.error({ error: describeError(error) }, "commands cannot reach this daemon");
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}
