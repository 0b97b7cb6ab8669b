import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { AnsweredCall } from "./answered-call.ts";
import { earnedGrants, type EarnedGrantInput, type StandingTool } from "./earned-grant.ts";
import { decideToolCall, type Grant } from "./policy.ts";

const hour = 3_600_000;
const text = { type: "string" };
const closed = (properties: object) => ({
  type: "object",
  properties,
  additionalProperties: false,
});

const sender: StandingTool = {
  version: "v1",
  effect: "send",
  harmless: false,
  schema: closed({ to: { type: "array", items: text }, text, inReplyTo: text }),
};
const archiver: StandingTool = { ...sender, effect: "write", schema: closed({ id: text }) };
const done = {
  state: "done",
  error: null,
  finishedAt: 0,
  undoBegunAt: null,
  undoneAt: null,
} as const;

const sent: AnsweredCall = {
  id: 0,
  tool: "mail_send",
  toolVersion: "v1",
  effect: "send",
  arguments: { to: ["ann@hill"], text: "hello" },
  facts: { account: "work" },
  editedFrom: null,
  trust: "trusted",
  status: "approved",
  createdAt: 0,
  decidedAt: 0,
  outcome: done,
};

/** One an hour, each with another text. */
const calls = (count: number, change: Partial<AnsweredCall> = {}, from = 1): AnsweredCall[] =>
  Array.from({ length: count }, (_, index) => {
    const id = from + index;
    const given = { to: ["ann@hill"], text: `hello ${id}` };
    return { ...sent, id, createdAt: id * hour, decidedAt: id * hour, arguments: given, ...change };
  });
const archived = (count: number, change: Partial<AnsweredCall> = {}): AnsweredCall[] =>
  calls(count).map((call) => ({
    ...call,
    tool: "mail_archive",
    effect: "write",
    trust: "untrusted",
    arguments: { id: `m${call.id}` },
    facts: { account: "work", from: "news@list" },
    ...change,
  }));

const judge = (given: readonly AnsweredCall[], change: Partial<EarnedGrantInput> = {}) =>
  earnedGrants({
    calls: given,
    tools: new Map([
      ["mail_send", sender],
      ["mail_archive", archiver],
    ]),
    grants: [],
    after: 5,
    timezone: "UTC",
    ...change,
  });
const withTool = (tool: Partial<StandingTool>) => ({
  tools: new Map([["mail_send", { ...sender, ...tool }]]),
});

describe("is earned", () => {
  test("by approvals of the same recipient: what differs is free, what is the same is held on to", () => {
    expect(judge(calls(5))).toEqual({
      earned: [
        {
          grant: {
            tool: "mail_send",
            when: { to: "ann@hill", account: "work" },
            maxPerDay: 7,
            evenIfUntrusted: false,
          },
          effect: "send",
          approvals: [1, 2, 3, 4, 5],
          since: hour,
          last: 5 * hour,
          untrusted: 0,
          mostPerDay: 5,
          free: ["text", "inReplyTo"],
        },
      ],
      unearned: [],
    });
  });

  test("for one of several recipients, whatever came of the others", () => {
    const bob = calls(2, { arguments: { to: ["bob@dale"], text: "x" } }, 20);
    const { earned, unearned } = judge([...calls(5), ...bob]);
    expect(earned.map(({ grant }) => grant.when)).toEqual([{ to: "ann@hill", account: "work" }]);
    expect(unearned).toEqual([{ tool: "mail_send", approvals: 2, why: "2 of 5 approvals so far" }]);
  });

  test("for writes, by what the tool's own code looked up, also where strangers' text was read", () => {
    const { earned } = judge(archived(6));
    expect(earned).toMatchObject([
      {
        grant: { when: { from: "news@list", account: "work" }, evenIfUntrusted: true },
        untrusted: 6,
        free: ["id"],
      },
    ]);
  });

  test.each<[string, readonly AnsweredCall[], boolean, number]>([
    ["untrusted ones alone", calls(5, { trust: "untrusted" }), true, 5],
    [
      "both, when the untrusted ones are enough",
      [...calls(5, { trust: "untrusted" }), ...calls(2, {}, 9)],
      true,
      7,
    ],
    [
      "trusted ones, without those that are too few",
      [...calls(4, { trust: "untrusted" }), ...calls(5, {}, 9)],
      false,
      5,
    ],
  ])("from %s", (_, given, evenIfUntrusted, count) => {
    const { earned } = judge(given);
    expect(earned).toHaveLength(1);
    expect(earned[0]?.grant.evenIfUntrusted).toBe(evenIfUntrusted);
    expect(earned[0]?.approvals).toHaveLength(count);
  });

  test.each([
    [1, 24, 2],
    [2, 12, 3],
    [4, 6, 5],
    [100, 0.1, 50],
  ])("with a cap a little above the busiest day: %s a day", (most, apart, maxPerDay) => {
    const given = calls(100).map((call) => ({
      ...call,
      createdAt: call.id * apart * hour - hour / 10,
    }));
    expect(judge(given).earned[0]?.mostPerDay).toBe(most);
    expect(judge(given).earned[0]?.grant.maxPerDay).toBe(maxPerDay);
  });
});

describe("begins anew", () => {
  test.each<[string, Partial<AnsweredCall>, string]>([
    ["denied", { status: "denied", outcome: null }, "was denied"],
    [
      "changed",
      { editedFrom: { to: ["ann@hill"], text: "x" }, arguments: { to: ["eve@moor"], text: "x" } },
      "was changed by you",
    ],
    ["failed", { outcome: { ...done, state: "failed", error: "no" } }, "was failed"],
    [
      "unknown",
      { outcome: { ...done, state: "unknown", error: "no" } },
      "was begun with an unknown end",
    ],
    ["undone", { outcome: { ...done, undoneAt: 3 * hour } }, "was taken back"],
    ["being undone", { outcome: { ...done, undoBegunAt: 3 * hour } }, "was taken back"],
    ["not as it should", { outcome: { ...done, error: "bounced" } }, "was not done as it should"],
    [
      "denied, and nobody knows what it was about",
      { status: "denied", facts: null, arguments: { to: ["x@y"] } },
      "was denied",
    ],
  ])("when one of the kind was %s", (_, change, how) => {
    const given = calls(7).map((call) => (call.id === 3 ? { ...call, ...change } : call));
    const { earned, unearned } = judge(given);
    expect(earned).toEqual([]);
    expect(unearned).toEqual([
      { tool: "mail_send", approvals: 4, why: `4 of 5 approvals so far since approval 3 ${how}` },
    ]);
    expect(judge([...given, ...calls(1, {}, 8)]).earned[0]?.approvals).toEqual([4, 5, 6, 7, 8]);
  });

  test("at the time when it was taken back, not when it was approved", () => {
    const given = calls(7);
    const first = { ...(given[0] as AnsweredCall), outcome: { ...done, undoneAt: 7 * hour } };
    expect(judge([first, ...given.slice(1)]).unearned[0]?.approvals).toBe(0);
  });

  test.each<[string, Partial<AnsweredCall>]>([
    ["of another kind", { status: "denied", arguments: { to: ["bob@dale"], text: "x" } }],
    ["that is not over yet", { outcome: { ...done, state: "sent" } }],
    ["that was not carried out yet", { outcome: null }],
  ])("not for one %s", (_, change) => {
    expect(judge([...calls(5), ...calls(1, change, 9)]).earned).toHaveLength(1);
  });
});

test.each<[string, readonly AnsweredCall[], Partial<EarnedGrantInput>, string]>([
  ["of too few", calls(3), {}, "3 of 5 approvals so far"],
  [
    "of too few of each label",
    [...calls(3), ...calls(3, { trust: "untrusted" }, 9)],
    {},
    "3 of 5 approvals so far that were alike in what the run had read",
  ],
  [
    "of other recipients each time",
    ["a", "b", "c", "d", "e"].flatMap((to, id) =>
      calls(1, { arguments: { to: [`${to}@x`], text: "x" } }, id + 1),
    ),
    {},
    '"to" was not the same each time; for one at most 1 of 5 approvals so far',
  ],
  [
    "of several recipients at once",
    calls(5, { arguments: { to: ["a@x", "b@x"], text: "x" } }),
    {},
    '"to" cannot be written as one condition',
  ],
  [
    "of a recipient with a star in it",
    calls(5, { arguments: { to: ["*@x"], text: "x" } }),
    {},
    '"to" cannot be written as one condition',
  ],
  [
    "in which nothing is the same",
    archived(5).map((call) => ({ ...call, facts: {} })),
    {},
    "approved 5 times, but nothing was the same each time",
  ],
  [
    "in which only the account is the same",
    archived(5, { facts: { account: "work" } }),
    {},
    'approved 5 times, but what was the same each time, "account", does not say who it is about',
  ],
  ["of a tool that is gone", calls(5), { tools: new Map() }, "the tool is not loaded"],
  [
    "of a tool that cannot be undone",
    calls(5, { effect: "destroy" }),
    withTool({ effect: "destroy" }),
    "it cannot be undone: you are always asked",
  ],
  [
    "of a tool that may destroy, by its arguments",
    calls(5),
    withTool({ effect: "depends" }),
    "what it does depends on its arguments: a grant would cover more than you approved",
  ],
  [
    "of a tool that must not have one",
    calls(5),
    withTool({ never: "its server has changed" }),
    "its server has changed",
  ],
  [
    "of a tool that has changed",
    calls(5),
    withTool({ version: "v2" }),
    "the tool has changed since you approved them",
  ],
  [
    "whose facts are not known",
    calls(5, { facts: null }),
    {},
    "what they were about was not kept, or not known",
  ],
  [
    "of a tool that takes further recipients",
    calls(5),
    withTool({ schema: closed({ to: {}, text, bcc: text }) }),
    'it also takes "bcc", and a grant cannot say that others are not reached by it',
  ],
  [
    "of a tool that takes anything within",
    calls(5),
    withTool({ schema: closed({ to: {}, text, more: { type: "object" } }) }),
    'it also takes "more", and a grant cannot say that others are not reached by it',
  ],
  [
    "of a tool that takes anything beside",
    calls(5),
    withTool({ schema: { type: "object", properties: { to: {} }, additionalProperties: {} } }),
    "it takes arguments of any name: a grant could not tell who is reached",
  ],
  [
    "of what is granted already",
    calls(5),
    {
      grants: [{ tool: "mail_send", when: { to: "*@hill" }, maxPerDay: 1, evenIfUntrusted: false }],
    },
    "a grant of yours allows it already",
  ],
])("nothing is earned by approvals %s", (_, given, change, why) => {
  const { earned, unearned } = judge(given, change);
  expect(earned).toEqual([]);
  expect(unearned.map((each) => each.why)).toEqual([why]);
});

test("a grant that does not hold where strangers' text was read leaves room for one that does", () => {
  const narrow: Grant = {
    tool: "mail_send",
    when: { to: "ann@hill" },
    maxPerDay: 9,
    evenIfUntrusted: false,
  };
  expect(judge(calls(5, { trust: "untrusted" }), { grants: [narrow] }).earned).toHaveLength(1);
});

describe("whatever was approved", () => {
  const address = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom("ann@hill", "ANN@hill") },
    { weight: 1, arbitrary: fc.constantFrom("bob@dale", "*@dale", "\u212aim@x") },
  );
  const answered = fc.record({
    arguments: fc.record({
      to: fc.array(address, { maxLength: 2 }),
      text: fc.constantFrom("x", "y"),
    }),
    facts: fc.option(
      fc.dictionary(fc.constantFrom("from", "account", "to"), address, { maxKeys: 3 }),
      { freq: 20 },
    ),
    trust: fc.constantFrom("trusted" as const, "untrusted" as const),
    status: fc.oneof(
      { weight: 12, arbitrary: fc.constant("approved" as const) },
      { weight: 1, arbitrary: fc.constant("denied" as const) },
    ),
    kind: fc.constantFrom("send" as const, "write" as const),
    decidedAt: fc.nat(99),
  });
  const history = fc.array(answered, { minLength: 4, maxLength: 40 }).map((rows) =>
    rows.map(({ kind, ...row }, index): AnsweredCall => ({
      ...sent,
      ...row,
      id: index + 1,
      tool: kind === "send" ? "mail_send" : "mail_archive",
      effect: kind,
      outcome: row.status === "denied" ? null : done,
    })),
  );

  it("a suggested grant allows each of its evidence, and no call with another recipient or fact", () => {
    let seen = 0;
    fc.assert(
      fc.property(history, (given) => {
        for (const { grant, approvals } of judge(given, { after: 3 }).earned) {
          seen += 1;
          expect(approvals.length).toBeGreaterThanOrEqual(3);
          expect(Object.keys(grant.when)).not.toEqual([]);
          for (const id of approvals) {
            const call = given[id - 1] as AnsweredCall;
            const decide = (change: Partial<AnsweredCall>) =>
              decideToolCall({
                ...{ ...call, ...change },
                harmless: false,
                alwaysAsked: false,
                runReadUntrusted: call.trust === "untrusted",
                grants: [grant],
                usedToday: new Map(),
              }).decision;
            expect(decide({})).toBe("allow");
            expect(decide({ facts: null })).toBe("ask");
            const stranger = { to: ["eve@moor"], text: "x" };
            const unknown = Object.keys(call.facts ?? {}).map((name) => [name, "eve@moor"]);
            expect(
              decide({
                arguments: stranger,
                facts: Object.fromEntries(unknown) as Record<string, string>,
              }),
            ).toBe("ask");
          }
          const denied = given.filter(
            (call) => call.status === "denied" && call.tool === grant.tool && call.facts === null,
          );
          const from = Math.max(-1, ...denied.map(({ decidedAt }) => decidedAt));
          for (const id of approvals) {
            expect(given[id - 1]?.decidedAt).toBeGreaterThan(from);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(seen).toBeGreaterThan(50);
  });

  it("does not hang on the order in which it is read", () => {
    fc.assert(
      fc.property(history, (given) => {
        expect(judge(given.toReversed(), { after: 3 })).toEqual(judge(given, { after: 3 }));
      }),
    );
  });
});
