import { lchownSync, lstatSync, statSync } from "node:fs";

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
