// Bundles the daemon into dist/, because loading its libraries file by file costs four times the time
// and memory. With --package also what only the published package needs: types and licence notices.
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";
import { builtinsByNeed, librariesWithoutComments } from "./lean-bundle.js";
import { publish } from "./publish.js";
import { readSourceState } from "./sources.js";

const checkout = fileURLToPath(new URL("..", import.meta.url));

// Bundled CommonJS libraries call require() for Node's own modules; in an ES module there is none.
const requireBanner =
  'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);';

/**
 * Entry points: output name without ending → source.
 * @param {string} root
 * @returns {Record<string, string>}
 */
function entryPoints(root) {
  const skills = skillNames(root)
    .filter((name) => existsSync(join(root, "skills", name, "index.ts")))
    .map((name) => [`skills/${name}/index`, join(root, "skills", name, "index.ts")]);
  return {
    cli: join(root, "src/cli/main.ts"),
    index: join(root, "src/index.ts"),
    testing: join(root, "src/testing/index.ts"),
    "demo.config": join(root, "agent.config.ts"),
    ...Object.fromEntries(skills),
  };
}

/** @param {string} root */
function skillNames(root) {
  return readdirSync(join(root, "skills"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/**
 * Writes dist/ from the sources. Safe beside running daemons and other builds.
 * @param {{ root?: string, prune?: boolean, extra?: (metafile: import("esbuild").Metafile) => Promise<Map<string, Uint8Array>> }} [options]
 *   prune: leave nothing of earlier builds; extra: more files for dist/, made from the metafile.
 * @returns {Promise<import("esbuild").Metafile>}
 */
export async function buildBundle({ root = checkout, prune = false, extra } = {}) {
  const sources = readSourceState(root);
  const dist = join(root, "dist");
  const result = await build({
    absWorkingDir: root,
    entryPoints: entryPoints(root),
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    external: ["better-sqlite3"],
    alias: {
      watchkeeper: join(root, "src/index.ts"),
      "watchkeeper/testing": join(root, "src/testing/index.ts"),
    },
    plugins: [builtinsByNeed, librariesWithoutComments],
    chunkNames: "chunks/[name]-[hash]",
    banner: { js: requireBanner },
    // Names and lines stay as written: a stack trace must be worth reading. Dead code goes.
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const files = new Map(
    result.outputFiles.map((file) => [relative(dist, file.path), file.contents]),
  );
  for (const name of skillNames(root)) {
    const instructions = join(root, "skills", name, "SKILL.md");
    if (existsSync(instructions)) {
      files.set(`skills/${name}/SKILL.md`, await readFile(instructions));
    }
  }
  for (const [path, contents] of (await extra?.(result.metafile)) ?? []) files.set(path, contents);
  await publish({ dist, files, sources, prune });
  return result.metafile;
}

/** Ends esbuild's own process, which would else stay for as long as a daemon that was built here runs. */
export const endBuilder = () => stop();

/** @param {boolean} forPackage */
async function run(forPackage) {
  const startedAt = performance.now();
  const { packageExtras } = await import("./package-extras.js");
  const metafile = await buildBundle(
    forPackage ? { prune: true, extra: async (made) => packageExtras(checkout, made) } : {},
  );
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.error(`dist/ built in ${seconds} s, ${(bytes / 1e6).toFixed(1)} MB of JavaScript`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await run(process.argv.includes("--package"));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
