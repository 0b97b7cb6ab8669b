import fc from "fast-check";
import { expect, it } from "vitest";
import { isSignedMail, mailSignature } from "./mail-signature.ts";

const secret = "a secret of the daemon's";
const mail = {
  messageId: "<wk1abc@watch.example.com>",
  subject: "Your word is asked: inbox_send (approval 5)",
  text: 'This would be done:\n{ "to": ["ann@example.com"] }\n\nFrom the run over finding 1.\n',
};
const signature = mailSignature(secret, mail);

it.each<[string, Partial<typeof mail>]>([
  ["as it was sent", {}],
  ["without angle brackets", { messageId: "wk1abc@watch.example.com" }],
  ["with other line ends", { text: mail.text.replaceAll("\n", "\r\n") }],
  ["wrapped anew", { text: mail.text.replaceAll(" ", "\n") }],
  [
    "with blanks at the ends of lines and of all",
    { text: `${mail.text.replaceAll("\n", "  \n")}\n\n` },
  ],
  ["with a > before From, as mail stores write it", { text: mail.text.replace("From", ">From") }],
  ["with a folded subject", { subject: mail.subject.replace(" (", "\r\n (") }],
])("knows its own %s", (_, changes) => {
  expect(isSignedMail(signature, secret, { ...mail, ...changes })).toBe(true);
});

it("knows its own where accents were composed on the way", () => {
  const told = { ...mail, text: "café" };
  const composed = { ...mail, text: "cafe\u0301" };
  expect(isSignedMail(mailSignature(secret, told), secret, composed)).toBe(true);
});

it.each<[string, Partial<typeof mail>]>([
  ["another message", { messageId: "<wk1abd@watch.example.com>" }],
  ["another subject", { subject: "Pay now" }],
  ["a word more", { text: `${mail.text}Pay now.` }],
  ["a list's footer", { text: `${mail.text}-- \nlist mailing list` }],
  ["a part of it", { text: "This would be done:" }],
  ["a quotation", { text: mail.text.replace(/^/gm, "> ") }],
  ["words moved from subject to text", { subject: "", text: `${mail.subject}${mail.text}` }],
])("does not take %s for its own", (_, changes) => {
  expect(isSignedMail(signature, secret, { ...mail, ...changes })).toBe(false);
});

it.each(["", "x", `${signature}x`, signature.slice(1), mailSignature("another secret", mail)])(
  "is not fooled by the signature %s",
  (forged) => {
    expect(isSignedMail(forged, secret, mail)).toBe(false);
  },
);

it("holds for a content and its blanks, and for no other content", () => {
  const word = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
    .filter((text) => /^\S+$/u.test(text));
  const words = fc.array(word, { minLength: 1, maxLength: 8 });
  const bare = (parts: readonly string[]) => parts.join("").normalize("NFC");
  fc.assert(
    fc.property(words, words, fc.constantFrom(" ", "\n", "\r\n", " \n\t"), (sent, other, blank) => {
      const told = { ...mail, text: sent.join(" ") };
      const signed = mailSignature(secret, told);
      expect(isSignedMail(signed, secret, { ...told, text: sent.join(blank) })).toBe(true);
      fc.pre(bare(sent) !== bare(other) && !bare(sent).includes("From"));
      expect(isSignedMail(signed, secret, { ...told, text: other.join(" ") })).toBe(false);
    }),
  );
});
