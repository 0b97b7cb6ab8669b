/** Whatever a skill or a server puts into a line of the log: it stays a line that can be kept and read. */

/** In UTF-16 units; journald would cut at 48 KB, in the middle of the JSON. */
const longestLine = 16_000;
const mostFields = 24;

/** @param line a JSON object and a line feed; a longer one keeps the beginning of each field */
export function boundedLine(line: string): string {
  if (line.length <= longestLine) return line;
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  for (const room of [1_000, 100]) {
    const kept = Object.entries(fields)
      .slice(0, mostFields)
      .map(([name, value]) => [beginning(name, 50), shortened(value, room)] as const);
    const said = { level, time, ...Object.fromEntries(kept), cutFrom: line.length };
    const shorter = `${JSON.stringify({ ...said, msg: shortened(msg, room) })}\n`;
    if (shorter.length <= longestLine) return shorter;
  }
  return `${JSON.stringify({ level, time, cutFrom: line.length, msg: "a line that is too long" })}\n`;
}

function shortened(value: unknown, room: number): unknown {
  if (typeof value === "string") return beginning(value, room);
  if (typeof value !== "object" || value === null) return value;
  const json = JSON.stringify(value);
  return json.length <= room ? value : beginning(json, room);
}

const beginning = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
