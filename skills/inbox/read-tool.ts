import { type AnyTool, defineTool, ToolError, z } from "watchkeeper";
import type { Mailbox } from "./mailbox.ts";
import { parseMessage } from "./message.ts";
import { renderMessage } from "./observation.ts";
import { cutText } from "./plain-text.ts";

const longestResult = 16_000;

/** The tool that reads one whole message. `mailboxes` maps account names to mailboxes. */
export function readTool(mailboxes: ReadonlyMap<string, Mailbox>): AnyTool {
  return defineTool({
    description:
      "Read one mail in full, without marking it as read. Returns headers, attachment names and text.",
    effect: "read",
    timeout: "60s",
    input: z.strictObject({
      id: z.string().min(1).max(1_000).describe("The finding's Id line, or a Message-ID"),
      account: z.string().optional().describe("Name of one account; default: all"),
    }),
    async run({ id, account }, { signal, now, log }) {
      const failures: string[] = [];
      for (const [name, mailbox] of pickAccounts(mailboxes, account)) {
        try {
          const stored = await mailbox.find(id, { signal, now });
          if (stored === undefined) continue;
          const message = await parseMessage(stored, longestResult);
          return cutText(`Account: ${name}\n${renderMessage(message)}`, longestResult);
        } catch (error) {
          signal.throwIfAborted();
          const reason = error instanceof Error ? error.message : String(error);
          log.warn("inbox_read failed for an account", { account: name, reason });
          failures.push(`${name}: ${reason}`);
        }
      }
      if (failures.length > 0) {
        throw new ToolError(
          "INBOX_READ_FAILED",
          `could not read the message: ${failures.join("; ")}`,
          {
            hint: "What the finding says is all there is for now",
          },
        );
      }
      throw new ToolError("INBOX_MESSAGE_UNKNOWN", "no account has a message with this id", {
        hint: "Give the id exactly as in the finding's Id line; the message may have been deleted or moved",
      });
    },
  });
}

function pickAccounts(mailboxes: ReadonlyMap<string, Mailbox>, account: string | undefined) {
  if (account === undefined) return mailboxes;
  const mailbox = mailboxes.get(account);
  if (mailbox !== undefined) return new Map([[account, mailbox]]);
  throw new ToolError("INBOX_ACCOUNT_UNKNOWN", `there is no account "${account}"`, {
    hint: `The accounts are: ${[...mailboxes.keys()].join(", ")}`,
  });
}
