import type { ImapFlow } from "imapflow";
import { AdapterError, ToolError } from "watchkeeper";
import { lastRefusal } from "./imap-connection.ts";
import { isConnectionLoss } from "./imap-errors.ts";

/** What changing a mailbox needs to know of an open connection. */

/**
 * The client answers false for what went wrong, whatever it was: a refusal did nothing, a connection
 * that was lost leaves it open.
 * @throws ToolError when the server refused; AdapterError when nobody can tell
 */
export function demandDone(client: ImapFlow, done: boolean, what: string): void {
  if (done) return;
  if (!client.usable) {
    throw new AdapterError("IMAP_CONNECTION_LOST", `lost the connection when it was to ${what}`);
  }
  const said = lastRefusal(client) ?? "no reason given";
  throw new ToolError("INBOX_CHANGE_REFUSED", `the server did not ${what}: ${said}`, {
    hint: "Nothing was done",
  });
}

/** For those of the client's calls that throw. @throws ToolError when the server refused */
export async function unlessRefused<Result>(
  client: ImapFlow,
  doing: Promise<Result>,
  what: string,
): Promise<Result> {
  try {
    return await doing;
  } catch (error) {
    if (!isConnectionLoss(error)) demandDone(client, false, what);
    throw error;
  }
}

/** Whether the open folder keeps a flag for good. */
export function mayKeep({ mailbox }: ImapFlow, flag: string): boolean {
  if (mailbox === false) return false;
  const flags = [...(mailbox.permanentFlags ?? [])].map((each) => each.toLowerCase());
  // A server that names none keeps all.
  return flags.length === 0 || flags.includes("\\*") || flags.includes(flag.toLowerCase());
}

/** The folder with one of these uses, the first wanted first. What the server says goes before what a name suggests. */
export async function specialFolder(
  client: ImapFlow,
  uses: readonly string[],
): Promise<string | undefined> {
  const folders = (await client.list()).filter(
    ({ flags }) => !flags.has("\\Noselect") && !flags.has("\\NonExistent"),
  );
  for (const use of uses) {
    const fitting = folders.filter(({ specialUse }) => specialUse === use);
    const said = fitting.find(({ specialUseSource }) => specialUseSource === "extension");
    const found = said ?? fitting[0];
    if (found !== undefined) return found.path;
  }
  return undefined;
}
