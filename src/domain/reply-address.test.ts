import { expect, it } from "vitest";
import { whyNoReplies, type ReplyAddress } from "./reply-address.ts";

const problem = "the account has no authservId";
const watched = { address: "Watch@example.com" };
const blind = { address: "watch@example.com", problem };
const other = { address: "me@example.com" };

it.each<[string, string | undefined, ReplyAddress[], string | null]>([
  ["an address that is read", "watch@EXAMPLE.com", [other, watched], null],
  ["one that is read twice, once so that it counts", "watch@example.com", [blind, watched], null],
  ["one where they would not count", "watch@example.com", [other, blind], problem],
  [
    "one that nobody reads",
    "watch@example.com",
    [other],
    "nobody reads what comes to watch@example.com; give an inbox account that address, and its authservId",
  ],
  ["no address", undefined, [watched], "there is no e-mail channel"],
])("says whether replies count that go to %s", (_, from, addresses, expected) => {
  expect(whyNoReplies(from, addresses)).toBe(expected);
});
