import { describe, expect, test } from "vitest";
import { z } from "zod";
import { describeIssues, formatPath, nearestOf } from "./issues.ts";

const imap = z.strictObject({
  host: z.string(),
  user: z.string(),
  port: z.int().max(65_535).optional(),
});
const schema = z.strictObject({
  every: z.string().optional(),
  accounts: z
    .array(z.union([z.strictObject({ imap }), z.strictObject({ maildir: z.string() })]))
    .min(1),
  mode: z.enum(["fast", "slow"]).optional(),
  site: z.url().optional(),
  byName: z.record(z.string(), imap).optional(),
  page: z.union([z.literal(false), z.strictObject({ port: z.int() })]).optional(),
  small: z
    .record(z.string().regex(/^[a-z]+$/, { error: "must be small letters" }), z.int())
    .optional(),
  archive: z.literal(true).optional(),
  file: z.union([z.boolean(), z.union([z.string(), z.array(z.string())])]).optional(),
});
const account = { imap: { host: "h", user: "u" } };

function linesFor(value: unknown, root?: string): string[] {
  const parsed = schema.safeParse(value, { reportInput: true });
  return parsed.success ? [] : describeIssues(schema, parsed.error.issues, root);
}

describe("describeIssues", () => {
  test.each([
    ["a typo", { accounts: [account], evry: "5m" }, ['evry: unknown key; did you mean "every"?']],
    [
      "a key like no other",
      { accounts: [account], colour: 1 },
      [
        "colour: unknown key; known are every, accounts, mode, site, byName, page, small, archive, file",
      ],
    ],
    [
      "a typo of a key that is needed, once",
      { acounts: [account] },
      ['acounts: unknown key; did you mean "accounts"?'],
    ],
    ["a missing key", {}, ["accounts: is missing; write a list in [ ]"]],
    [
      "a typo in a union",
      { accounts: [{ imap: { host: "h", user: "u", prot: 1 } }] },
      ['accounts[0].imap.prot: unknown key; did you mean "port"?'],
    ],
    [
      "a typo that stands for a needed key in a union",
      { accounts: [{ imap: { host: "h", usr: "u" } }] },
      ['accounts[0].imap.usr: unknown key; did you mean "user"?'],
    ],
    [
      "a typo in a record",
      { accounts: [account], byName: { "my mail": { hots: "h", host: "h", user: "u" } } },
      ['byName["my mail"].hots: unknown key; did you mean "host"?'],
    ],
    [
      "another kind of value",
      { accounts: "all" },
      ["accounts: must be a list in [ ], and is a text"],
    ],
    ["an empty list", { accounts: [] }, ["accounts: must have a length of at least 1"]],
    [
      "a number out of bounds",
      { accounts: [{ imap: { ...account.imap, port: 70_000 } }] },
      ["accounts[0].imap.port: must be at most 65535"],
    ],
    [
      "a word that is none of those",
      { accounts: [account], mode: "quick" },
      ['mode: must be one of "fast", "slow"'],
    ],
    [
      "no address",
      { accounts: [account], site: "example" },
      ['site: "example" is not an address such as "https://example.com/"'],
    ],
    [
      "a value that is none of a union's kinds",
      { accounts: [account], page: true },
      ["page: must be false or an object in { }, and is true"],
    ],
    [
      "a value that is none of the kinds of a union in a union",
      { accounts: [account], file: 3 },
      ["file: must be true or false or a text in quotes or a list in [ ], and is 3"],
    ],
    [
      "keys that exclude each other",
      { accounts: [{ ...account, maildir: "./mail" }] },
      ["accounts[0].maildir: does not go with the other keys here; remove one"],
    ],
    [
      "a name that cannot be one",
      { accounts: [account], small: { "Bad Name": 1 } },
      ['small["Bad Name"]: the name must be small letters'],
    ],
    [
      "another value than the only one",
      { accounts: [account], archive: false },
      ["archive: must be true"],
    ],
    ["no object at all", null, ["the config: must be an object in { }, and is null"]],
  ])("%s", (_, value, lines) => {
    expect(linesFor(value)).toEqual(lines);
  });

  test("begins each line where the value stands", () => {
    expect(linesFor({ acounts: [] }, "skills.inbox")).toEqual([
      'skills.inbox.acounts: unknown key; did you mean "accounts"?',
    ]);
    expect(linesFor(3, "skills.inbox")).toEqual([
      "skills.inbox: must be an object in { }, and is 3",
    ]);
  });
});

test("formatPath writes what a person would type", () => {
  expect(formatPath("", ["skills", "./skills/backups", "targets", 0, "name"])).toBe(
    'skills["./skills/backups"].targets[0].name',
  );
});

describe("nearestOf", () => {
  test.each([
    ["evry", ["every", "slack"], "every"],
    ["EVERY", ["every"], "every"],
    ["remindBefor", ["remindBefore", "every"], "remindBefore"],
    ["banana", ["every", "slack"], undefined],
    ["ab", ["xy"], undefined],
    ["", ["every"], undefined],
    ["every", [], undefined],
    ["x".repeat(100_000), ["every"], undefined],
  ])("of %s among %j", (word, known, nearest) => {
    expect(nearestOf(word, known)).toBe(nearest);
  });
});
