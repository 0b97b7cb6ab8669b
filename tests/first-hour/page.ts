/**
 * A page of typed commands and what they answered, as blocks of ```console. A comment before a block
 * says what is special about it:
 *
 * - `<!-- runs on until: TEXT -->` the command stays in the background; what is shown ends with TEXT
 * - `<!-- event: NAME -->` something happens in the world before the block
 * - `<!-- elsewhere: WHY -->` nobody can type this here: not executed
 */
export interface Block {
  readonly calls: readonly Call[];
  readonly runsOnUntil?: string;
  readonly event?: string;
  readonly elsewhere?: string;
  /** Where its lines stand in the page, fences left out. */
  readonly from: number;
  readonly to: number;
}

export interface Call {
  readonly command: string;
  readonly answer: string;
}

const directive = /^<!-- (runs on until|event|elsewhere): (.+) -->$/;

/** @throws Error for a block that begins with something else than a command, or without an end */
export function readBlocks(page: string): Block[] {
  const lines = page.split("\n");
  const blocks: Block[] = [];
  let said: Record<string, string> = {};
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const [, name, text] = directive.exec(line) ?? [];
    if (name !== undefined && text !== undefined) said[name] = text;
    if (line !== "```console") continue;
    const end = lines.indexOf("```", index);
    if (end < 0) throw new Error(`the block in line ${index + 1} has no end`);
    blocks.push({
      calls: readCalls(lines.slice(index + 1, end)),
      from: index + 1,
      to: end,
      ...(said["runs on until"] !== undefined && { runsOnUntil: said["runs on until"] }),
      ...(said.event !== undefined && { event: said.event }),
      ...(said.elsewhere !== undefined && { elsewhere: said.elsewhere }),
    });
    said = {};
    index = end;
  }
  return blocks;
}

/** A command may go on over lines that end with a backslash. */
function readCalls(lines: readonly string[]): Call[] {
  const calls: { command: string; answer: string[] }[] = [];
  let goesOn = false;
  for (const line of lines) {
    const current = calls.at(-1);
    if (goesOn && current) current.command += `\n${line}`;
    else if (line.startsWith("$ ")) calls.push({ command: line.slice(2), answer: [] });
    else if (current) current.answer.push(line);
    else throw new Error(`a block begins with "${line}" instead of a command`);
    goesOn = (goesOn || line.startsWith("$ ")) && line.endsWith("\\");
  }
  return calls.map(({ command, answer }) => ({ command, answer: answer.join("\n").trimEnd() }));
}

/** The page with what was seen this time in its blocks. */
export function withAnswers(page: string, seen: ReadonlyMap<Block, readonly string[]>): string {
  const lines = page.split("\n");
  for (const [block, answers] of [...seen].toSorted(([a], [b]) => b.from - a.from)) {
    const text = block.calls.flatMap(({ command }, index) => {
      const answer = answers[index] ?? "";
      return [...`$ ${command}`.split("\n"), ...(answer === "" ? [] : answer.split("\n"))];
    });
    lines.splice(block.from, block.to - block.from, ...text);
  }
  return lines.join("\n");
}

const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const weekday = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*";

/**
 * What of an answer must be the same each time: its words and their order. Numbers, times, dates and
 * digests stand as #, and the room between columns, which depends on them, as one space. Of a cell that is cut
 * off, how much of it there was room for depends on them too.
 */
export function shapeOf(answer: string): string {
  return answer
    .replaceAll(/(\S+)(?: \S+)* ?…/g, "$1…")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "#")
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, "#")
    .replaceAll(new RegExp(`\\b(?:${weekday}|${month})\\b`, "g"), "#")
    .replaceAll(/\d+(?:[.,:]\d+)*\s?(?:ms|s|m|h|d|kB|KB|MB|GB|TB|bytes)?\b/g, "#")
    .replaceAll(/#(?:[\s\-T.:]*#Z?)+/g, "#")
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/-{3,}/g, "---")
    .trimEnd();
}
