import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSourceState } from "./sources.js";

const checkout = fileURLToPath(new URL("..", import.meta.url));

/**
 * Builds the bundle of a checkout when it is missing or does not match the sources.
 * @param {string} [root]
 * @returns {Promise<string | undefined>} undefined when dist/ is ready, else the problem and its mend.
 */
export async function ensureBuilt(root = checkout) {
  const require = createRequire(join(root, "package.json"));
  for (const needed of ["better-sqlite3/package.json", "esbuild/package.json"]) {
    if (!canResolve(require, needed)) {
      return "its dependencies are not installed. Run `npm ci` in this folder first.";
    }
  }
  if (isFresh(root)) return undefined;
  process.stderr.write("watchkeeper: building… ");
  const startedAt = performance.now();
  try {
    const { buildBundle, endBuilder } = await import("./build.js");
    try {
      await buildBundle({ root });
    } finally {
      await endBuilder();
    }
  } catch (error) {
    process.stderr.write("failed\n");
    return `dist/ could not be built: ${describe(error)}`;
  }
  process.stderr.write(`done in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  return undefined;
}

/** @param {string} root */
function isFresh(root) {
  const dist = join(root, "dist");
  if (!existsSync(join(dist, "cli.js"))) return false;
  try {
    const built = JSON.parse(readFileSync(join(dist, "build.json"), "utf8"));
    const now = readSourceState(root);
    return built.sources.newestMs === now.newestMs && built.sources.files === now.files;
  } catch {
    return false;
  }
}

/**
 * @param {NodeJS.Require} require
 * @param {string} name
 */
function canResolve(require, name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * esbuild's errors carry places in the source; anything else says itself in a line.
 * @param {unknown} error
 */
function describe(error) {
  return error instanceof Error ? error.message : String(error);
}
