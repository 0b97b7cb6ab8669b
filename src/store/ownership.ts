import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";

/**
 * What root makes in somebody's state directory is given to them: else their daemon, or a service's user, could not
 * use it. A link that lies there in its place is not followed.
 */
export function giveToOwner(path: string, stateDir: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(stateDir);
  if (lstatSync(path).uid === uid) return;
  try {
    lchownSync(path, uid, gid);
  } catch {
    // In some containers root may not; whoever cannot use it says so.
  }
}

/** Deeper than anything of ours, and not so deep that somebody could use up the handles. */
const deepest = 16;
/** By way of it a folder stays the same one, whatever somebody puts in its place meanwhile. Linux has it. */
const handles = "/proc/self/fd";

/**
 * Gives all that belongs to root in somebody's state directory to them, for whoever has worked there as root: skills
 * and libraries make files, too. Nothing outside can be given away by it: no link is followed, and no file that has
 * a second name is touched. Never throws.
 */
export function giveAllToOwner(stateDir: string): void {
  if (process.getuid?.() !== 0 || !existsSync(handles)) return;
  try {
    const owner = statSync(stateDir);
    if (owner.uid !== 0) giveIn(stateDir, owner, 0);
  } catch {
    // It is gone, or may not be changed; whoever cannot use it says so.
  }
}

function giveIn(folder: string, owner: Stats, depth: number): void {
  const noLink = depth === 0 ? 0 : constants.O_NOFOLLOW;
  const handle = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | noLink);
  try {
    const { dev, uid } = fstatSync(handle);
    if (dev !== owner.dev || (uid !== owner.uid && depth === 0)) return;
    const here = join(handles, String(handle));
    for (const name of readdirSync(here)) {
      const path = join(here, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined || stats.dev !== owner.dev) continue;
      const isFolder = stats.isDirectory();
      if (stats.uid === 0 && (isFolder || stats.nlink === 1)) {
        lchownSync(path, owner.uid, owner.gid);
      }
      if (isFolder && depth < deepest) giveIn(path, owner, depth + 1);
    }
  } finally {
    closeSync(handle);
  }
}
