import { expect, test } from "vitest";
import { quotedIn, readPage } from "./page.ts";
import { raisedErrors } from "./raised-errors.ts";

const raised = Map.groupBy(await raisedErrors(), ({ code }) => code);
const page = await readPage("errors.md");
const [kinds, codes] = page.tables;
const entries = (codes?.rows ?? []).map(([code = "", kind, reads = "", mend = ""]) => ({
  code: code.replaceAll("`", ""),
  kind,
  reads,
  mend,
}));

test("the page names every code that the code raises, and no other, in the alphabet's order", () => {
  expect(entries.map(({ code }) => code)).toEqual([...raised.keys()].sort());
});

test("each code is of the kind that the page says", () => {
  const classOf = new Map(
    kinds?.rows.map(([kind, className = ""]) => [kind, className.replaceAll("`", "")]),
  );
  const said = entries.map(({ code, kind }) => [code, classOf.get(kind ?? "")]);
  expect(said).toEqual(
    entries.map(({ code }) => [
      code,
      [...new Set(raised.get(code)?.map((place) => place.kind))].join(" and "),
    ]),
  );
});

test("each code has the messages that the page says", () => {
  const said = entries.map(({ code, reads }) => [code, ...quotedIn(reads).sort()]);
  expect(said).toEqual(
    entries.map(({ code }) => {
      const messages = (raised.get(code) ?? []).flatMap(({ message }) => message ?? []);
      // One that is filled in as a whole has no words of its own to look for.
      const worded = new Set(messages.filter((message) => /[a-z]{2}/.test(message)));
      return [code, ...[...worded].sort()];
    }),
  );
  expect(entries.filter(({ reads }) => reads === "")).toEqual([]);
});

test("each code has a mend, as a sentence", () => {
  expect(entries.filter(({ mend }) => !mend.endsWith("."))).toEqual([]);
});
