/**
 * The change of a small text as the lines of a unified diff, exact enough to be carried out and taken back
 * from. Texts are split at line feeds, so that joining the lines again gives the very same bytes.
 */

/** Lines around a change that are shown with it. */
const context = 2;

interface Entry {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** Without the lines of these indices, and with others added at the end. */
export function editLines(
  lines: readonly string[],
  change: { readonly remove: ReadonlySet<number>; readonly add: readonly string[] },
): string[] {
  // What follows the last line feed is no line.
  const endsWell = lines.at(-1) === "";
  const entries = lines.map((line, index): Entry => ({
    sign: change.remove.has(index) ? "-" : " ",
    line,
  }));
  const added = change.add.map((line): Entry => ({ sign: "+", line }));
  entries.splice(endsWell ? entries.length - 1 : entries.length, 0, ...added);
  return hunksOf(entries, endsWell ? entries.length - 1 : entries.length);
}

/** @param shown so many of the entries may be shown as context */
function hunksOf(entries: readonly Entry[], shown: number): string[] {
  const near = entries.map((_, index) =>
    entries
      .slice(Math.max(0, index - context), index + context + 1)
      .some(({ sign }) => sign !== " "),
  );
  const diff: string[] = [];
  let [before, after] = [1, 1];
  for (let index = 0; index < shown;) {
    const end = near.findIndex((isNear, at) => at >= index && (at >= shown || !isNear));
    const hunk = entries.slice(index, end < 0 ? shown : end);
    const size = {
      before: hunk.filter(({ sign }) => sign !== "+").length,
      after: hunk.filter(({ sign }) => sign !== "-").length,
    };
    if (hunk.length > 0) {
      diff.push(
        `@@ -${before},${size.before} +${after},${size.after} @@`,
        ...hunk.map(({ sign, line }) => `${sign}${line}`),
      );
    }
    const step = hunk.length > 0 ? hunk.length : 1;
    before += hunk.length > 0 ? size.before : 1;
    after += hunk.length > 0 ? size.after : 1;
    index += step;
  }
  return diff;
}

/** @returns undefined when the diff does not fit the lines, or is none */
export function applyDiff(lines: readonly string[], diff: readonly string[]): string[] | undefined {
  const result: string[] = [];
  let taken = 0;
  for (const row of diff) {
    const start = /^@@ -(\d+),\d+ \+\d+,\d+ @@$/.exec(row)?.[1];
    const [sign, line] = [row[0], row.slice(1)];
    if (start !== undefined) {
      const until = Number(start) - 1;
      if (until < taken || until > lines.length) return undefined;
      result.push(...lines.slice(taken, until));
      taken = until;
    } else if (sign === "+") result.push(line);
    else if ((sign === " " || sign === "-") && lines[taken] === line) {
      if (sign === " ") result.push(line);
      taken += 1;
    } else return undefined;
  }
  return [...result, ...lines.slice(taken)];
}

/** The diff that takes back what this one does. */
export const invertDiff = (diff: readonly string[]): string[] =>
  diff.map((row) => {
    const header = /^@@ -(\d+,\d+) \+(\d+,\d+) @@$/.exec(row);
    if (header) return `@@ -${header[2]} +${header[1]} @@`;
    if (row.startsWith("+")) return `-${row.slice(1)}`;
    return row.startsWith("-") ? `+${row.slice(1)}` : row;
  });
