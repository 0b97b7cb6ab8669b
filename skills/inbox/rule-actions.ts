import type { ObserveResult } from "watchkeeper";
import type { NewMessage } from "./conversations.ts";

type Action = NonNullable<ObserveResult["actions"]>[number];

/** What the owner's rules say is to be done with these messages; once for each, whatever happens. */
export function ruleActions(
  account: string,
  messages: readonly NewMessage[],
  finding: string,
): Action[] {
  return messages.flatMap(({ message: { key: id }, judgement: { rule = "", label, archive } }) => {
    const actions: Action[] = [];
    if (label !== undefined) {
      const input = { id, account, label };
      actions.push({ key: `${rule}:label:${label}:${id}`, tool: "label", input, finding });
    }
    if (archive) {
      actions.push({
        key: `${rule}:archive:${id}`,
        tool: "archive",
        input: { id, account },
        finding,
      });
    }
    return actions;
  });
}
