import { statSync } from "node:fs";
import { dirname } from "node:path";

/** Whether a user who is not us could read something: decided from owners and modes alone. */

/** As whom a service runs. */
export interface Reader {
  readonly name: string;
  /** None for a user that is made up at each start: only what everybody may read is readable. */
  readonly uid: number | null;
  readonly groups: readonly number[];
}

interface Inode {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const read = 4;
const enter = 1;

function may({ uid, groups }: Reader, inode: Inode, wanted: number): boolean {
  if (uid === 0) return true;
  const shift = inode.uid === uid ? 6 : groups.includes(inode.gid) ? 3 : 0;
  return ((inode.mode >> shift) & wanted) === wanted;
}

/**
 * The first thing on the way to `path`, or the path itself, that keeps the reader from it.
 * @param from folders above this one are passed by: a bind mount makes its own way
 * @returns undefined when nothing does
 * @throws Error when there is no such path
 */
export function whatHides(path: string, reader: Reader, from = "/"): string | undefined {
  const way: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (from === "/" || folder === from || folder.startsWith(`${from}/`)) way.unshift(folder);
    if (folder === "/" || folder === from) break;
  }
  const closed = way.find((folder) => !may(reader, statSync(folder), enter));
  if (closed !== undefined) return closed;
  const own = statSync(path);
  return may(reader, own, own.isDirectory() ? read | enter : read) ? undefined : path;
}
