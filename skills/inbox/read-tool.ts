import { type AnyTool, defineTool, z } from "watchkeeper";
import { factsOf, findHolder, type ToolAccounts } from "./accounts.ts";
import { parseMessage } from "./message.ts";
import { renderMessage } from "./observation.ts";
import { cutText } from "./plain-text.ts";

const longestResult = 16_000;

export const messageId = () => z.string().min(1).max(1_000);
export const accountName = () => z.string().max(60).optional();

/** The tool that reads one whole message. */
export function readTool(accounts: ToolAccounts): AnyTool {
  return defineTool({
    description: "Read one mail in full, without marking it as read.",
    effect: "read",
    timeout: "60s",
    input: z.strictObject({ id: messageId(), account: accountName() }),
    async run(input, context) {
      const { account, found } = await findHolder(accounts, input, context);
      const message = await parseMessage(found.stored, longestResult);
      return cutText(`Account: ${account.name}\n${renderMessage(message)}`, longestResult);
    },
    subject: (input, context) => factsOf(accounts, input, context),
  });
}
