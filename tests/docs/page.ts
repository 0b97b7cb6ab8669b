import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../ground/miniature.ts";

/** A page of docs/ as its tests see it: headings, code blocks and tables. */

export interface CodeBlock {
  /** The nearest heading above. */
  readonly heading: string;
  readonly language: string;
  readonly code: string;
  /** The path that stands alone in the line above, as in "`skills/backups/index.ts`:". */
  readonly file: string | undefined;
}

export interface Table {
  readonly heading: string;
  readonly columns: readonly string[];
  /** Cells as written, without the escape of `|`. */
  readonly rows: readonly (readonly string[])[];
}

export interface Page {
  readonly text: string;
  readonly blocks: readonly CodeBlock[];
  readonly tables: readonly Table[];
}

export async function readPage(name: string): Promise<Page> {
  const text = await readFile(join(checkout, "docs", name), "utf8");
  const blocks: CodeBlock[] = [];
  const tables: { heading: string; columns: string[]; rows: string[][] }[] = [];
  let heading = "";
  let above = "";
  let block: { language: string; lines: string[]; file: string | undefined } | undefined;
  let isTable = false;
  for (const line of text.split("\n")) {
    if (block) {
      if (line === "```") {
        const { language, lines, file } = block;
        blocks.push({ heading, language, code: `${lines.join("\n")}\n`, file });
        block = undefined;
      } else block.lines.push(line);
      continue;
    }
    if (line.startsWith("```")) {
      block = { language: line.slice(3), lines: [], file: /`([^`]+)`:$/.exec(above)?.[1] };
    } else if (line.startsWith("#")) {
      heading = line.replace(/^#+ /, "");
    } else if (line.startsWith("|")) {
      const cells = cellsOf(line);
      if (!isTable) tables.push({ heading, columns: cells, rows: [] });
      else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) tables.at(-1)?.rows.push(cells);
    }
    isTable = line.startsWith("|");
    if (line.trim()) above = line;
  }
  return { text, blocks, tables };
}

const cellsOf = (line: string): string[] =>
  line
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

/** The words in backticks of a cell or a text. */
export const quotedIn = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
