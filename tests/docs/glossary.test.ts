import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deliveryStates } from "../../src/domain/delivery.ts";
import { severities, trusts, verdicts } from "../../src/domain/finding.ts";
import { checkout } from "../ground/miniature.ts";
import { quotedIn, readPage } from "./page.ts";

const { tables } = await readPage("glossary.md");
const words = new Map(tables[0]?.rows.map(([word = "", meaning = ""]) => [word, meaning]));

test("the words stand in the alphabet's order, each once", () => {
  const listed = tables[0]?.rows.map(([word]) => word);
  expect(listed).toEqual([...words.keys()].sort((a, b) => a.localeCompare(b, "en")));
  expect(words.size).toBeGreaterThan(30);
});

test("each word is one that the code uses", async () => {
  const texts: string[] = [];
  for (const entry of await readdir(join(checkout, "src"), { recursive: true })) {
    if (!entry.endsWith(".ts") || entry.endsWith(".test.ts")) continue;
    texts.push(await readFile(join(checkout, "src", entry), "utf8"));
  }
  const code = texts.join("\n").toLowerCase();
  expect([...words.keys()].filter((word) => !code.includes(word))).toEqual([]);
});

test.for([
  ["severity", severities],
  ["trust", trusts],
  ["verdict", verdicts],
  ["delivery", deliveryStates],
  ["effect", ["read", "write", "send", "destroy"]],
] as const)("%s names each of its values", ([word, values]) => {
  expect(quotedIn(words.get(word) ?? "").sort()).toEqual([...values].sort());
});
