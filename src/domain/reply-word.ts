import { oneLine, plainText } from "./plain-text.ts";

/** What the owner's reply to a question says. Nothing is guessed: whoever writes anything else is told so. */
export type ReplyWord =
  | { readonly kind: "approve" }
  | { readonly kind: "deny"; readonly note: string | null }
  | { readonly kind: "unclear" };

/** The word is looked for in the beginning; a reply may quote a long message. */
const longestBeginning = 2_000;
const longestNote = 500;

/** @param text of the whole reply, with whatever it quotes */
export function readReplyWord(text: string): ReplyWord {
  const line = plainText(text.trimStart(), longestBeginning)
    .split("\n")
    .map((each) => each.trim())
    .find((each) => each !== "");
  const bare = line?.replace(/[\s.!,;]+$/, "").toLowerCase();
  if (bare === "approve") return { kind: "approve" };
  if (bare === "deny") return { kind: "deny", note: null };
  const reason = /^deny\s*:(.+)$/i.exec(line ?? "")?.[1];
  const note = reason === undefined ? "" : oneLine(reason, longestNote);
  return note === "" ? { kind: "unclear" } : { kind: "deny", note };
}
