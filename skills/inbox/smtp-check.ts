import type { CheckDefinition } from "watchkeeper";
import type { SmtpServer } from "./servers.ts";
import { tryServer } from "./smtp.ts";

/** The name of the check that looks at an account's way out. Account names hold no full stop. */
export const smtpCheckName = (account: string): string => `${account}.smtp`;

/**
 * Whether the server that sends for an account is there and lets the owner in, before there is something to send.
 * Nothing is found: a look that fails says why, and one that goes on failing is told like any other.
 */
export function smtpCheck(server: SmtpServer, baseDir: string): CheckDefinition {
  return {
    every: "1h",
    timeout: "60s",
    async observe({ signal }) {
      await tryServer({ server, baseDir }, { signal });
      return { observations: [], complete: true };
    },
  };
}
