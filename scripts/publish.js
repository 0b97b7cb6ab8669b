import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

const dayMs = 86_400_000;

/**
 * Puts a build's files into dist/ so that whoever loads from it meanwhile is never left with half:
 * chunks carry a hash of their content in the name and go first, entry files replace the old ones by
 * renaming, the manifest goes last. Two builds at once write the same bytes, or the later manifest
 * does not match the sources and the next start builds again. A daemon that is running loads its
 * later chunks from the build it was started from, so the last build's chunks are kept.
 * @param {object} options
 * @param {string} options.dist
 * @param {Map<string, Uint8Array>} options.files path inside dist/ → content
 * @param {import("./sources.js").SourceState} options.sources state of the sources before the build
 * @param {boolean} options.prune leave only this build's files
 */
export async function publish({ dist, files, sources, prune }) {
  const previous = await readManifest(dist);
  const isChunk = (/** @type {string} */ path) => path.startsWith("chunks/");
  const order = [...files.keys()].toSorted((a, b) => Number(isChunk(b)) - Number(isChunk(a)));
  for (const path of order) {
    await replace(join(dist, path), /** @type {Uint8Array} */ (files.get(path)));
  }
  const manifest = { sources, files: [...files.keys()] };
  await replace(join(dist, manifestName), Buffer.from(JSON.stringify(manifest, null, 1)));

  const kept = new Set([...manifest.files, ...(prune ? [] : previous), manifestName]);
  await removeOthers({ dist, kept, olderThanMs: prune ? 0 : dayMs });
}

const manifestName = "build.json";

/**
 * @param {string} dist
 * @returns {Promise<string[]>} files of the build that is there
 */
async function readManifest(dist) {
  try {
    return JSON.parse(await readFile(join(dist, manifestName), "utf8")).files ?? [];
  } catch {
    return [];
  }
}

/**
 * @param {string} path
 * @param {Uint8Array} contents
 */
async function replace(path, contents) {
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(contents)) return;
  const beside = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(beside, contents);
  await rename(beside, path);
}

/** @param {{ dist: string, kept: Set<string>, olderThanMs: number }} options */
async function removeOthers({ dist, kept, olderThanMs }) {
  const now = Date.now();
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || kept.has(relative(dist, path))) continue;
    // Another build may remove the same file, or have renamed its own from there.
    const found = await stat(path).catch(() => undefined);
    if (found && now - found.mtimeMs >= olderThanMs) await rm(path, { force: true });
  }
}
