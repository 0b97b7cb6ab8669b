import {
  AdapterError,
  type CheckDefinition,
  formatDuration,
  type ObservationInput,
  type ObserveResult,
} from "watchkeeper";
import type { ImapServer } from "./servers.ts";
import { withClient } from "./imap-connection.ts";
import { cleanLine } from "./plain-text.ts";

/** Refused logins do not pass by themselves: they are told at once, and apart from a blind mailbox. */
const refusals = new Set(["IMAP_LOGIN_REFUSED", "OAUTH2_REFUSED"]);

const warnBeforeMs = 7 * 86_400_000;

/** The name of the check that looks at an account's login. Account names hold no full stop. */
export const loginCheckName = (account: string): string => `${account}.login`;

export const isLoginRefusal = (error: unknown): boolean =>
  error instanceof AdapterError && refusals.has(error.code);

/** Whether the server still lets the owner in, and for how long it will. */
export function loginCheck(account: string, server: ImapServer, baseDir: string): CheckDefinition {
  return {
    every: "1h",
    timeout: "60s",
    async observe({ signal, now }): Promise<ObserveResult> {
      try {
        await withClient(server, { baseDir, signal }, () => Promise.resolve());
      } catch (error) {
        signal.throwIfAborted();
        // A server that cannot be asked says nothing of the login; that it cannot is told elsewhere.
        if (!(error instanceof AdapterError) || !refusals.has(error.code))
          return { observations: [] };
        return { observations: [observeRefusal(account, error)], complete: true };
      }
      return { observations: observeEnd(account, server, now), complete: true };
    },
  };
}

function observeRefusal(account: string, { code, message, hint }: AdapterError): ObservationInput {
  return {
    key: "refused",
    severity: "warning",
    // What a server answers is in the message.
    trust: "untrusted",
    title: cleanLine(`The mail server lets ${account} in no longer`, 200),
    text: [cleanLine(message, 500), ...(hint === undefined ? [] : [hint])].join("\n"),
    fingerprint: code,
  };
}

function observeEnd(account: string, { tokens }: ImapServer, now: Date): ObservationInput[] {
  const endsAt = tokens?.refreshEndsAt();
  if (endsAt === undefined || endsAt - now.getTime() > warnBeforeMs) return [];
  const day = new Date(endsAt).toISOString().slice(0, 10);
  return [
    {
      key: "ends",
      severity: "warning",
      trust: "trusted",
      title: `The permission to read the mail of ${account} ends on ${day}`,
      text: `Get a new refresh token before then, and set it in imap.oauth2.refreshToken; it is told ${formatDuration(warnBeforeMs)} ahead.`,
      fingerprint: day,
    },
  ];
}
