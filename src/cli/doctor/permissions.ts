/** Who else may read or write a file. */

export const isOpenToOthers = (mode: number): boolean => (mode & 0o077) !== 0;
export const isWritableByOthers = (mode: number): boolean => (mode & 0o022) !== 0;
export const octal = (mode: number): string => (mode & 0o777).toString(8);

const mostNamed = 3;

/** Names of files, or the lines of what is wrong: the first few, and how many more. */
export const enumerated = (lines: readonly string[], separator = ", "): string =>
  lines.length <= mostNamed
    ? lines.join(separator)
    : `${lines.slice(0, mostNamed).join(separator)}${separator}and ${lines.length - mostNamed} more`;
