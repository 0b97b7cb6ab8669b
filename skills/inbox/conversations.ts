import { createHash } from "node:crypto";
import type { MessagePlace } from "./mailbox.ts";
import type { Message } from "./message.ts";
import type { Judgement } from "./rules.ts";

/** Messages that came with one look, put together where they belong to one conversation. */

export interface NewMessage {
  readonly message: Message;
  readonly arrivedAt: number;
  readonly place: MessagePlace;
  readonly folder: string;
  readonly judgement: Judgement;
}

/** What is shown of each message gets shorter with their number: more than this go into another finding. */
const mostTogether = 12;

/**
 * Puts answers together with what they answer, and answers to the same message with each other, in the
 * order in which they came. Anybody can name any message in References, so only mail of the same severity
 * is put together: nobody can hide behind, or raise their voice through, what weighs more. Two messages
 * under one Message-ID are no conversation but a trick, and stay apart.
 */
export function groupConversations(messages: readonly NewMessage[]): NewMessage[][] {
  let groups: NewMessage[][] = [];
  const answering = new Map<string, NewMessage[]>();
  const answered = new Map<string, NewMessage[]>();
  for (const each of messages) {
    const { message, judgement } = each;
    const mark = (id: string) => `${judgement.severity} ${id}`;
    const references = message.references.map(mark);
    const own = message.messageId === "" ? [] : [mark(message.messageId)];
    const known = new Set(
      [
        ...references.flatMap((id) => [answered.get(id), answering.get(id)]),
        ...own.map((id) => answering.get(id)),
      ].filter((group) => group !== undefined),
    );
    const group = [...known].findLast(({ length }) => length < mostTogether) ?? [];
    for (const other of known) {
      if (other === group || other.length + group.length >= mostTogether) continue;
      group.push(...other);
      groups = groups.filter((candidate) => candidate !== other);
      for (const map of [answered, answering])
        for (const [id, owner] of map) if (owner === other) map.set(id, group);
    }
    if (!groups.includes(group)) groups.push(group);
    group.push(each);
    for (const id of references) answering.set(id, group);
    for (const id of own) if (!answered.has(id)) answered.set(id, group);
  }
  const order = new Map(messages.map((each, index) => [each, index]));
  const at = (each: NewMessage | undefined) => (each && order.get(each)) ?? 0;
  return groups
    .map((group) => group.toSorted((a, b) => at(a) - at(b)))
    .sort((a, b) => at(a[0]) - at(b[0]));
}

/** The key of a finding about several messages: the same messages, the same key. */
export function conversationKey(messages: readonly NewMessage[]): string {
  const keys = messages.map(({ message }) => message.key).sort();
  return `conversation#${digestOf(keys.join("\n")).slice(0, 22)}`;
}

/** By what a message that was told is remembered. */
export const memoryOf = (key: string): string => digestOf(key).slice(0, 12);

const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64url");
