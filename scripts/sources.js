import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * What the bundle is made of. Looking at names and times only keeps a start without changes fast.
 * @typedef {{ newestMs: number, files: number }} SourceState
 */

const parts = ["src", "skills", "migrations", "scripts", "agent.config.ts", "package.json"];

/**
 * The state of the sources under `root`: it differs when a file was edited, added or removed.
 * @param {string} root
 * @returns {SourceState}
 */
export function readSourceState(root) {
  let newestMs = 0;
  let files = 0;
  /** @param {string} path */
  const look = (path) => {
    if (path.endsWith(".test.ts")) return;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path)) look(join(path, name));
    } else {
      newestMs = Math.max(newestMs, Math.floor(stat.mtimeMs));
      files += 1;
    }
  };
  for (const part of parts) look(join(root, part));
  return { newestMs, files };
}
