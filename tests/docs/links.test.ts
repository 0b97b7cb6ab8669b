import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../ground/miniature.ts";

const docs = (await readdir(join(checkout, "docs"), { recursive: true }))
  .filter((name) => name.endsWith(".md"))
  .map((name) => join("docs", name));
const pages = ["README.md", "CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md", ...docs];

test.for(pages)("the links of %s inside the project lead somewhere", async (page) => {
  const dead: string[] = [];
  for (const link of linksOf(await textOf(page))) {
    const [path = "", heading] = link.split("#", 2);
    const target = path ? join(dirname(page), path) : page;
    const isThere = await stat(join(checkout, target)).then(
      () => true,
      () => false,
    );
    const hasHeading = heading === undefined || anchorsOf(await textOf(target)).has(heading);
    if (!isThere || !hasHeading) dead.push(link);
  }
  expect(dead).toEqual([]);
});

test("links are found: the README has some", async () => {
  expect(linksOf(await textOf("README.md"))).toContain("docs/cli.md");
});

const textOf = async (page: string): Promise<string> =>
  (await readFile(join(checkout, page), "utf8").catch(() => "")).replace(/^```[^]*?^```$/gm, "");

/** What stands in `[words](link)`, but for other sites. */
const linksOf = (text: string): string[] =>
  [...text.replace(/`[^`\n]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link));

/** The names that a page's headings have on the web. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
