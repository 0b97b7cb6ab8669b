import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideAnswer, type AnswerMail, type ApprovalClaim } from "./mail-answer.ts";
import { wordToken, type WordTokenSubject } from "./word-token.ts";

const secret = "s".repeat(43);
const now = Date.parse("2026-11-23T10:00:00Z");
const claim = (id: number, changes: Partial<ApprovalClaim> = {}): ApprovalClaim => ({
  id,
  argumentsHash: `hash of ${id}`,
  expiresAt: now + 3_600_000,
  status: "pending",
  ...changes,
});
const tokenOf = (
  { id: approvalId, argumentsHash, expiresAt }: ApprovalClaim,
  use: WordTokenSubject["use"] = "reply",
  key = secret,
) => wordToken(key, { approvalId, argumentsHash, expiresAt, use });
const idOf = (token: string) => `${token}@watch.example.com`;

const five = claim(5);
const six = claim(6);
const reply = (changes: Partial<AnswerMail> = {}): AnswerMail => ({
  inReplyTo: [idOf(tokenOf(five))],
  references: [],
  subject: "Re: Your word is asked",
  text: "approve\n\n> This would be done: …",
  provenSender: "me@example.com",
  isAutomatic: false,
  ...changes,
});
const decide = (mail: AnswerMail, approvals = [six, five]) =>
  decideAnswer(mail, {
    approvals,
    askedAddresses: ["me@example.com", "ann@example.com"],
    secret,
    now,
  });

describe("counts", () => {
  const approved = { kind: "take", approval: five, word: { kind: "approve" } };
  const nowhere = { inReplyTo: [] };
  it.each<[string, Partial<AnswerMail>]>([
    ["a reply that names the question", {}],
    ["from another who was asked", { provenSender: "ann@example.com" }],
    ["with the token in capitals", { inReplyTo: [idOf(tokenOf(five)).toUpperCase()] }],
    [
      "that names it among References only",
      { ...nowhere, references: ["x@y", idOf(tokenOf(five))] },
    ],
    ["that quotes the token", { ...nowhere, text: `approve\n\n> Token: ${tokenOf(five)}` }],
    ["with the token in its subject", { ...nowhere, subject: `Re: ${tokenOf(five)}` }],
    [
      "that quotes the links of the question",
      {
        text: `approve\n> https://w/${tokenOf(five, "approve")}\n> https://w/${tokenOf(five, "deny")}`,
      },
    ],
    ["to this question in a thread about another", { references: [idOf(tokenOf(six))] }],
    ["to this question that quotes another", { text: `approve\n> ${tokenOf(six)}` }],
  ])("%s", (_, changes) => {
    expect(decide(reply(changes))).toEqual(approved);
  });

  it("a denial, with its reason", () => {
    expect(decide(reply({ text: "deny: not now" }))).toMatchObject({
      kind: "take",
      word: { kind: "deny", note: "not now" },
    });
  });
});

describe("is refused, and the sender", () => {
  it.each<[string, string, boolean, Partial<AnswerMail>]>([
    [
      "is not told: nobody proves who it is",
      "sender-not-proven",
      false,
      { provenSender: undefined },
    ],
    [
      "is not told: a stranger who was given a copy",
      "sender-not-asked",
      false,
      { provenSender: "eve@evil.example" },
    ],
    [
      "is not told: a name that ends alike",
      "sender-not-asked",
      false,
      { provenSender: "xme@example.com" },
    ],
    ["is not told: a machine", "automatic", false, { isAutomatic: true }],
    ["is told: no word", "unclear", true, { text: "ok" }],
    ["is told: nothing of their own", "unclear", true, { text: "> approve" }],
  ])("%s", (_, why, tell, changes) => {
    expect(decide(reply(changes))).toEqual({ kind: "refuse", why, tell, approvalId: 5 });
  });

  it.each<[string, string, Partial<ApprovalClaim>]>([
    ["came when it had expired", "expired", { status: "expired" }],
    ["came when its time was just over", "expired", { expiresAt: now }],
    ["approves what was denied", "decided", { status: "denied" }],
  ])("is told: it %s", (_, why, changes) => {
    const approval = claim(5, changes);
    const mail = reply({ inReplyTo: [idOf(tokenOf(approval))] });
    expect(decide(mail, [approval])).toEqual({ kind: "refuse", why, tell: true, approvalId: 5 });
  });

  it("is told when they deny what was approved", () => {
    const approval = claim(5, { status: "approved" });
    expect(decide(reply({ text: "deny" }), [approval])).toMatchObject({
      why: "decided",
      tell: true,
    });
  });

  it("is not told when talk goes on after the word was given", () => {
    const approval = claim(5, { status: "approved" });
    expect(decide(reply({ text: "Thanks!" }), [approval])).toMatchObject({
      why: "unclear",
      tell: false,
    });
  });
});

it("knows a word that was given before, as when the same mail is met again", () => {
  const known = (status: "approved" | "denied", text: string) =>
    decide(reply({ text }), [claim(5, { status })]);
  expect(known("approved", "approve")).toEqual({
    kind: "known",
    approvalId: 5,
    status: "approved",
  });
  expect(known("denied", "deny: no")).toEqual({ kind: "known", approvalId: 5, status: "denied" });
});

describe("a token", () => {
  const inReplyTo = (token: string) => decide(reply({ inReplyTo: [idOf(token)] }));
  const unknown = { kind: "refuse", why: "unknown-token", tell: false, approvalId: null };
  it.each<[string, string]>([
    ["for the link that approves", tokenOf(five, "approve")],
    ["for the link that denies", tokenOf(five, "deny")],
    ["of another daemon", tokenOf(five, "reply", "t".repeat(43))],
    ["of other arguments", tokenOf(claim(5, { argumentsHash: "other" }))],
    ["of another time", tokenOf(claim(5, { expiresAt: now + 1 }))],
    ["of an approval that is not there", tokenOf(claim(7))],
    ["that is guessed", `wk1${"a".repeat(26)}`],
  ])("%s is none for a reply", (_, token) => {
    expect(inReplyTo(token)).toEqual(unknown);
  });

  it("that is mangled anywhere counts for nothing", () => {
    const token = tokenOf(five);
    const sign = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567");
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), sign, (at, other) => {
        const mangled = token.slice(0, at) + other + token.slice(at + 1);
        fc.pre(mangled !== token);
        expect(["none", "refuse"]).toContain(inReplyTo(mangled).kind);
      }),
    );
  });

  it("of another question that is quoted beside it leaves open which is meant", () => {
    const text = `approve\n> ${tokenOf(five)}\n> ${tokenOf(six)}`;
    expect(decide(reply({ inReplyTo: [], text }))).toMatchObject({
      why: "several-tokens",
      tell: false,
    });
  });

  it("must stand before the @ of an id", () => {
    const behind = [`x@${tokenOf(five)}.example.com`, tokenOf(five)];
    expect(decide(reply({ inReplyTo: behind, references: behind }))).toEqual({ kind: "none" });
  });
});

it.each<[string, Partial<AnswerMail>]>([
  ["a reply to a digest", { inReplyTo: ["notification-7@watch.example.com"] }],
  ["a mail that is no reply", { inReplyTo: [], subject: "Lunch", text: "approve" }],
  ["a mail that holds links only", { inReplyTo: [], text: `approve\n${tokenOf(five, "approve")}` }],
])("%s is a mail like any other", (_, changes) => {
  expect(decide(reply(changes))).toEqual({ kind: "none" });
});

it("decides nothing unless all of it holds, whatever a mail says", () => {
  const tokens = [five, six, claim(9)].flatMap((each) =>
    (["reply", "approve", "deny"] as const).map((use) => tokenOf(each, use)),
  );
  const id = fc.constantFrom(...tokens.map(idOf), "x@y", "");
  const mails = fc.record({
    inReplyTo: fc.array(id, { maxLength: 2 }),
    references: fc.array(id, { maxLength: 3 }),
    subject: fc.constantFrom("", "Re: x", ...tokens),
    text: fc.constantFrom(
      "approve",
      "deny",
      "deny: no",
      "ok",
      "> approve",
      ...tokens.map((token) => `approve\n${token}`),
    ),
    provenSender: fc.constantFrom(undefined, "me@example.com", "eve@evil.example"),
    isAutomatic: fc.boolean(),
  });
  const status = fc.constantFrom("pending", "approved", "denied", "expired");
  fc.assert(
    fc.property(mails, status, fc.integer({ min: -2, max: 2 }), (mail, is, left) => {
      const approvals = [claim(5, { status: is }), claim(6, { expiresAt: now + left })];
      const decision = decide(mail, approvals);
      if (decision.kind !== "take") return;
      const { approval } = decision;
      expect(approval.status).toBe("pending");
      expect(approval.expiresAt).toBeGreaterThan(now);
      expect(mail).toMatchObject({ provenSender: "me@example.com", isAutomatic: false });
      expect(JSON.stringify(mail)).toContain(tokenOf(approval));
      expect(mail.text).toMatch(/^(approve|deny)/);
    }),
    { numRuns: 2_000 },
  );
});
