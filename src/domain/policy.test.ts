import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideToolCall,
  grantKey,
  type Grant,
  type PolicyInput,
  type ToolEffect,
} from "./policy.ts";

const grant: Grant = {
  tool: "inbox_archive",
  when: { from: "*@news.example.com" },
  maxPerDay: 2,
  evenIfUntrusted: true,
};

const input = (changes: Partial<PolicyInput> = {}): PolicyInput => ({
  tool: "inbox_archive",
  effect: "write",
  harmless: false,
  alwaysAsked: false,
  arguments: { id: "7" },
  facts: { from: "weekly@news.example.com" },
  runReadUntrusted: true,
  grants: [],
  usedToday: new Map(),
  ...changes,
});

describe("without a grant", () => {
  it.each<[ToolEffect, "trusted" | "untrusted", "harmless" | "", "allow" | "ask"]>([
    ["read", "trusted", "", "allow"],
    ["read", "untrusted", "", "allow"],
    ["write", "trusted", "", "allow"],
    ["write", "untrusted", "", "ask"],
    ["write", "untrusted", "harmless", "allow"],
    ["send", "trusted", "", "ask"],
    ["send", "untrusted", "", "ask"],
    ["send", "trusted", "harmless", "ask"],
    ["destroy", "trusted", "", "ask"],
    ["destroy", "untrusted", "harmless", "ask"],
  ])("%s in a run with %s text %s: %s", (effect, trust, harmless, decision) => {
    const decided = decideToolCall(
      input({ effect, harmless: harmless !== "", runReadUntrusted: trust === "untrusted" }),
    );
    expect(decided).toMatchObject({ decision, grant: null });
  });
});

describe("a tool whose writes every later run trusts", () => {
  it.each<[string, Partial<PolicyInput>]>([
    ["a grant that fits", { grants: [grant] }],
    ["a run that has read nothing of strangers", { runReadUntrusted: false }],
    ["being harmless", { harmless: true }],
  ])("is asked, whatever %s says", (_, changes) => {
    const decided = decideToolCall(input({ alwaysAsked: true, ...changes }));
    expect(decided).toMatchObject({ decision: "ask", grant: null });
    expect(decided.reason).toContain("no grant can stand in for your word");
  });
});

describe("with a grant", () => {
  it.each<[string, Partial<PolicyInput>, "allow" | "ask", RegExp]>([
    ["that fits", {}, "allow", /your grant/],
    ["of another tool", { tool: "inbox_label" }, "ask", /no grant names inbox_label/],
    [
      "that wants another sender",
      { facts: { from: "a@evil.example" } },
      "ask",
      /and it is "a@evil/,
    ],
    ["about a fact that nobody knows", { facts: {} }, "ask", /nothing is known/],
    [
      "that is used up",
      { usedToday: new Map([[grantKey(grant), 2]]) },
      "ask",
      /2 uses a day are used up/,
    ],
    ["that has a use left", { usedToday: new Map([[grantKey(grant), 1]]) }, "allow", /your grant/],
    ["for a send", { effect: "send" }, "allow", /your grant/],
    ["for a destroy", { effect: "destroy" }, "allow", /your grant/],
  ])("%s", (_, changes, decision, reason) => {
    const decided = decideToolCall(input({ grants: [grant], ...changes }));
    expect(decided.decision).toBe(decision);
    expect(decided.reason).toMatch(reason);
  });

  const oneWord = { ...grant, when: { to: "ann@hill" }, maxPerDay: 1 };
  it.each<[string, Partial<PolicyInput>, string]>([
    [
      "no grant names the tool",
      { grants: [] },
      "the run has read what a stranger could have written, and no grant names inbox_archive",
    ],
    [
      "it fits none of several, each with its own why",
      { grants: [oneWord, { ...grant, evenIfUntrusted: false }] },
      'the run has read what a stranger could have written, and the grant wants "to" to be "ann@hill", and nothing is known of it; the grant does not hold in a run that has read what a stranger could have written',
    ],
    [
      "a name that is a word of the sentence has another value",
      { effect: "send", grants: [oneWord], arguments: { to: "eve@moor" } },
      'it reaches somebody or something else, and the grant wants "to" to be "ann@hill", and it is "eve@moor"',
    ],
    [
      "its facts are not known",
      { effect: "destroy", grants: [oneWord], facts: null },
      "it cannot be undone, and the grant has conditions, and the facts of the call could not be looked up",
    ],
    [
      "the one use is used up",
      { grants: [{ ...grant, maxPerDay: 1 }], usedToday: new Map([[grantKey(grant), 1]]) },
      "the run has read what a stranger could have written, and the grant's one use a day is used up",
    ],
  ])("is asked with a whole sentence when %s", (_, changes, reason) => {
    expect(decideToolCall(input(changes)).reason).toBe(reason);
  });

  it("that does not say so does not hold in a run with untrusted text", () => {
    const grants = [{ ...grant, evenIfUntrusted: false }];
    expect(decideToolCall(input({ grants })).decision).toBe("ask");
    const trusted = input({ grants, effect: "send", runReadUntrusted: false });
    expect(decideToolCall(trusted).decision).toBe("allow");
  });

  it("is not met by an argument in the place of a fact", () => {
    const given = { from: "weekly@news.example.com" };
    const forged = input({ grants: [grant], arguments: given, facts: { from: "a@evil.example" } });
    expect(decideToolCall(forged).decision).toBe("ask");
  });

  it("with conditions does not hold when the facts could not be looked up", () => {
    const given = { from: "weekly@news.example.com" };
    const unknown = { facts: null, arguments: given };
    const decided = decideToolCall(input({ grants: [grant], ...unknown }));
    expect(decided).toMatchObject({
      decision: "ask",
      reason: expect.stringMatching(/facts of the call could not be looked up/),
    });
    const always = { ...grant, when: {} };
    expect(decideToolCall(input({ grants: [always], ...unknown })).decision).toBe("allow");
  });

  it("wants every item of a list to fit", () => {
    const toUs: Grant = { ...grant, tool: "inbox_send", when: { to: "*@ours.example" } };
    const send = (to: string[]) =>
      decideToolCall(
        input({ tool: "inbox_send", effect: "send", grants: [toUs], arguments: { to }, facts: {} }),
      ).decision;
    expect(send(["a@ours.example", "b@OURS.example"])).toBe("allow");
    expect(send(["a@ours.example", "x@evil.example"])).toBe("ask");
    expect(send([])).toBe("ask");
    expect(send(["x@evil.example\n@ours.example"])).toBe("ask");
  });

  it("takes every character but the star as itself", () => {
    const plain: Grant = { ...grant, when: { from: "a.b+c@x.example" } };
    const from = (address: string) =>
      decideToolCall(input({ grants: [plain], facts: { from: address } })).decision;
    expect(from("a.b+c@x.example")).toBe("allow");
    expect(from("aXb+c@x.example")).toBe("ask");
  });

  const fits = (pattern: string, value: string) =>
    decideToolCall(
      input({ grants: [{ ...grant, when: { from: pattern } }], facts: { from: value } }),
    ).decision === "allow";

  it("takes stars as a regular expression would", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "A", "\n"), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "B", "*"), maxLength: 6 });
    fc.assert(
      fc.property(pattern, word, (glob, value) => {
        const reference = new RegExp(`^${glob.replaceAll("*", "[^\\n]*")}$`, "i");
        expect(fits(glob, value)).toBe(reference.test(value));
      }),
    );
  });

  it("is decided at once, however long a value a stranger has made", () => {
    expect(fits("*a*b*a*b*c", "ab".repeat(25_000))).toBe(false);
  });

  it("does not take signs of other alphabets for letters", () => {
    expect(fits("*@kiosk.example", "x@KIOSK.example")).toBe(true);
    for (const domain of ["\u212aiosk", "kio\u017fk", "k\u0130osk", "k\u0131osk"]) {
      expect(fits("*@kiosk.example", `x@${domain}.example`)).toBe(false);
    }
    expect(fits("i*", "\u0130x")).toBe(false);
  });
});

it("never allows a send or a destroy that no grant names, whatever the rest says", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<ToolEffect>("send", "destroy"),
      fc.boolean(),
      fc.boolean(),
      fc.dictionary(fc.string(), fc.string()),
      fc.jsonValue(),
      (effect, harmless, runReadUntrusted, facts, given) => {
        const grants = [{ ...grant, tool: "another_tool" }];
        const all = { effect, harmless, runReadUntrusted, facts, arguments: given, grants };
        expect(decideToolCall(input(all)).decision).toBe("ask");
      },
    ),
  );
});
