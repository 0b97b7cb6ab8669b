import { expect, test } from "vitest";
import type { PolicyInput } from "./policy.ts";
import { suggestGrant } from "./suggest-grant.ts";

const call: PolicyInput = {
  tool: "post_send",
  effect: "send",
  harmless: false,
  alwaysAsked: false,
  arguments: {},
  facts: {},
  runReadUntrusted: false,
  grants: [],
  usedToday: new Map(),
};

test.each<[string, Partial<PolicyInput>, Record<string, string>]>([
  [
    "the facts, when there are some",
    { facts: { from: "a@b" }, arguments: { to: "c@d" } },
    { from: "a@b" },
  ],
  [
    "short arguments of one value",
    { arguments: { to: ["c@d"], days: 3, text: "x".repeat(200) } },
    { to: "c@d", days: "3" },
  ],
  ["nothing of a list of several", { arguments: { to: ["c@d", "e@f"] } }, {}],
  [
    "no value in which a star would match more",
    { arguments: { to: "*", room: "7" } },
    { room: "7" },
  ],
  [
    "no value of several lines, or with characters that nobody sees",
    { arguments: { a: "x\ny", b: "x\u202ey" } },
    {},
  ],
  [
    "at most four",
    { arguments: { a: "1", b: "2", c: "3", d: "4", e: "5" } },
    { a: "1", b: "2", c: "3", d: "4" },
  ],
])("a suggested grant is bound to %s", (_, change, when) => {
  expect(suggestGrant({ ...call, ...change })).toEqual({
    tool: "post_send",
    when,
    maxPerDay: 5,
    evenIfUntrusted: false,
  });
});

test("it holds for runs with untrusted text only when the call was made in one", () => {
  expect(suggestGrant({ ...call, runReadUntrusted: true })?.evenIfUntrusted).toBe(true);
});

test("there is none for what is always asked", () => {
  expect(suggestGrant({ ...call, alwaysAsked: true, arguments: { to: "c@d" } })).toBeNull();
});
