import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { packageInfo } from "../../src/config/package.ts";

/** A program of this folder as one file, so that many processes of it start fast. */
export interface BundledChild extends AsyncDisposable {
  readonly path: string;
}

/** @param name of the file, without `.ts` */
export async function bundleChild(name: string): Promise<BundledChild> {
  // Within the package: the bundle looks for better-sqlite3 and for the package's files.
  const scratch = await mkdtemp(join(packageInfo().root, "dist.crash-"));
  const path = join(scratch, "dist", `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["better-sqlite3"],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return { path, [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) };
}
