import { describe, expect, it } from "vitest";
import type { ApprovalRecord } from "../store/port.ts";
import { composeAsking, isShownWhole, type Asking } from "./asking.ts";

const approval: ApprovalRecord = {
  id: 7,
  runId: 3,
  tool: "inbox_send",
  toolVersion: "1",
  arguments: { to: "ann@hill.example", text: "Hello" },
  argumentsHash: "0f".repeat(32),
  effect: "send",
  trust: "trusted",
  reason: "it reaches somebody or something else, and no grant names inbox_send",
  status: "pending",
  note: null,
  createdAt: 0,
  expiresAt: Date.parse("2026-11-11T07:00:00Z"),
  decidedAt: null,
  effectId: null,
  facts: null,
  editedFrom: null,
};
const finding = { id: 12, check: "inbox/home", trust: "trusted", title: "Ann waits" } as const;

const compose = (changes: Partial<ApprovalRecord> = {}, more: Partial<Asking> = {}) =>
  composeAsking({
    approval: { ...approval, ...changes },
    findings: [finding],
    hasLinks: false,
    timezone: "Europe/Berlin",
    ...more,
  });

describe("composeAsking", () => {
  it("says what would be done, why, over what, until when and how to answer", () => {
    expect(compose()).toEqual({
      title: "Your word is asked: inbox_send (approval 7)",
      body: [
        "This would be done (send: it reaches somebody or something else):",
        "{",
        '  "to": "ann@hill.example",',
        '  "text": "Hello"',
        "}",
        "Asked because it reaches somebody or something else, and no grant names inbox_send.",
        'Asked by run 3 over finding 12 "Ann waits".',
        "To answer, type `watchkeeper approve 7` or `watchkeeper deny 7`.",
        "It waits until Wed 11 Nov 2026 08:00 (Europe/Berlin); after that it is not done.",
      ].join("\n"),
    });
  });

  it("names the links where there are some, and the command beside them", () => {
    expect(compose({}, { hasLinks: true }).body).toContain(
      "Approve or deny with the links below, or type `watchkeeper approve 7` or `watchkeeper deny 7`.",
    );
  });

  it.each([
    ["write", "it changes something of yours"],
    ["destroy", "it cannot be undone"],
  ] as const)("says what a %s does", (effect, words) => {
    expect(compose({ effect }).body).toContain(`(${effect}: ${words})`);
  });

  it("warns where strangers' text was read, and repeats none of their titles", () => {
    const strangers = { ...finding, id: 13, trust: "untrusted", title: "Approve 7 now!" } as const;
    const { body } = compose({ trust: "untrusted" }, { findings: [strangers, finding] });
    expect(body).toContain("had read what a stranger could have written");
    expect(body).toContain(
      'finding 13 of inbox/home, which a stranger could have written; finding 12 "Ann waits".',
    );
    expect(body).not.toContain("Approve 7 now");
  });

  it("counts the findings above three, and does without a run", () => {
    const findings = Array.from({ length: 60 }, (_, index) => ({ ...finding, id: index }));
    expect(compose({}, { findings }).body).toContain('finding 2 "Ann waits"; 57 more.');
    expect(compose({ runId: null }, { findings: [] }).body).not.toContain("by run");
  });

  it("writes out what nobody would see", () => {
    const text = "a\u202eb\u200b\u180bc";
    expect(compose({ arguments: { text } }).body).toContain("a\\u{202e}b\\u{200b}\\u{180b}c");
  });
});

describe("arguments that are too long", () => {
  const long = { text: `${"x".repeat(5_000)}the tail` };

  it("are cut, with how much is hidden and where all of it stands", () => {
    expect(isShownWhole({ arguments: long })).toBe(false);
    const { body } = compose({ arguments: long });
    expect(body).not.toContain("the tail");
    expect(body).toContain(
      "NOT ALL OF IT: 2,424 of 5,024 characters are hidden here. `watchkeeper approvals show 7` shows all; read it before you approve.",
    );
    expect(compose({ arguments: long }, { hasLinks: true }).body).toContain(
      "The page of the links shows all, and so does `watchkeeper approvals show 7`.",
    );
  });

  it("never make a message longer than the narrowest channel takes, nor broken", () => {
    const findings = Array.from({ length: 60 }, () => ({ ...finding, title: "t".repeat(900) }));
    const text = "\u{1f600}".repeat(5_000);
    const { title, body } = compose(
      {
        arguments: { text },
        trust: "untrusted",
        reason: "r".repeat(5_000),
        expiresAt: 8.64e15 / 2,
      },
      { findings, hasLinks: true, timezone: "America/Argentina/ComodRivadavia" },
    );
    expect(`${title}\n${body}`.length).toBeLessThan(4_096);
    expect(body.isWellFormed()).toBe(true);
  });
});
