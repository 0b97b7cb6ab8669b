import { setTimeout as wait } from "node:timers/promises";
import type { SkillLog } from "watchkeeper";
import type { ImapServer } from "./servers.ts";
import { withFolder } from "./imap-connection.ts";

/** A connection of its own on which the server says at once that mail has come (IDLE, RFC 2177). */

const firstWaitMs = 5_000;
const longestWaitMs = 10 * 60_000;

export interface IdleDependencies {
  readonly account: string;
  readonly server: ImapServer;
  readonly folder: string;
  readonly baseDir: string;
  readonly signal: AbortSignal;
  readonly log: SkillLog;
  /** Called when mail has come, or may have come while there was no connection. */
  readonly onNews: () => void;
}

/** Listens until `signal` is aborted; a connection that breaks is made again, after ever longer waits. */
export async function listenForNews(dependencies: IdleDependencies): Promise<void> {
  const { account, signal, log, onNews } = dependencies;
  let waitMs = firstWaitMs;
  let wasThere = false;
  while (!signal.aborted) {
    try {
      await listenOnce(dependencies, () => {
        log.debug("waits for news", { account });
        if (wasThere) onNews();
        wasThere = true;
        waitMs = firstWaitMs;
      });
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      log.info("the connection that waits for news broke; it is made again", { account, reason });
    }
    await wait(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
}

async function listenOnce(
  { server, folder, baseDir, signal, onNews }: IdleDependencies,
  onConnected: () => void,
): Promise<void> {
  const context = { baseDir, signal, folder, waits: true };
  await withFolder(server, context, async ({ client }) => {
    client.on("exists", ({ count, prevCount }) => {
      if (count > prevCount) onNews();
    });
    onConnected();
    while (client.usable && !signal.aborted) await client.idle();
  });
}
