/** The header block of a message, read strictly: for what must not be fooled by how it is written. */

export type Header = readonly [name: string, value: string];

/** Far more than mail has; beyond it nobody needs an answer. */
const mostHeaders = 1_000;

/**
 * Every header in order, names in small letters, folded lines joined.
 * @returns undefined for a block that two readers could read in two ways: a bare carriage return,
 *   a NUL, a line that is no header, a name with a space in it, no end
 */
export function strictHeaders(source: Uint8Array): Header[] | undefined {
  const text = Buffer.from(source.buffer, source.byteOffset, source.length)
    .toString("latin1")
    .replaceAll("\r\n", "\n");
  const end = text.indexOf("\n\n");
  if (end === -1) return undefined;
  const block = text.slice(0, end);
  if (/[\r\0]/.test(block)) return undefined;
  const headers: [string, string][] = [];
  for (const line of block.split("\n")) {
    const last = headers.at(-1);
    if (/^[ \t]/.test(line)) {
      if (last === undefined) return undefined;
      last[1] += ` ${line.trim()}`;
      continue;
    }
    const match = /^([\x21-\x39\x3b-\x7e]+):(.*)$/.exec(line);
    if (match === null || headers.length >= mostHeaders) return undefined;
    headers.push([(match[1] ?? "").toLowerCase(), (match[2] ?? "").trim()]);
  }
  return headers;
}

/** The values of all headers of that name. */
export function valuesOf(headers: readonly Header[], name: string): string[] {
  return headers.flatMap(([each, value]) => (each === name ? [value] : []));
}
