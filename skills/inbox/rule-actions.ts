import type { RuleAction } from "watchkeeper";
import { memoryOf, type NewMessage } from "./conversations.ts";

/** What the owner's rules say is to be done with these messages; once for each, whatever happens. */
export function ruleActions(account: string, messages: readonly NewMessage[]): RuleAction[] {
  return messages.flatMap(({ message: { key: id }, judgement: { rule = "", label, archive } }) => {
    const occasion = (deed: string) => `${rule}:${deed}:${memoryOf(id)}`;
    const actions: RuleAction[] = [];
    if (label !== undefined) {
      const input = { id, account, label };
      actions.push({ key: occasion(`label:${label}`), tool: "label", input });
    }
    if (archive)
      actions.push({ key: occasion("archive"), tool: "archive", input: { id, account } });
    return actions;
  });
}
