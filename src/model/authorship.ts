import type { ContentBlock, MessageParam } from "./port.ts";

/**
 * Remembers which model said what, so that a model is never sent the thinking of another: thinking
 * blocks are signed, and a model refuses a signature that is not its own.
 */
export interface Authorship {
  note(content: ContentBlock[], model: string): void;
  /**
   * The messages as `model` may see them. Thinking goes where another model, or nobody we know of (a
   * conversation from the journal), said it: replies stay valid without it. Everything else stays.
   */
  messagesFor(model: string, messages: MessageParam[]): MessageParam[];
}

export function createAuthorship(): Authorship {
  // By identity: a caller sends the content back as it is, and what is forgotten is collected.
  const authors = new WeakMap<object, string>();
  return {
    note(content, model) {
      authors.set(content, model);
    },
    messagesFor: (model, messages) =>
      messages.flatMap((message) => {
        const { role, content } = message;
        if (role !== "assistant" || typeof content === "string") return message;
        if (authors.get(content) === model) return message;
        const kept = content.filter(
          ({ type }) => type !== "thinking" && type !== "redacted_thinking",
        );
        if (kept.length === content.length) return message;
        // A message that was thought alone is nothing to say.
        return kept.length > 0 ? { ...message, content: kept } : [];
      }),
  };
}
