import { mkdtemp, rm, writeFile } from "node:fs/promises";
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
  const dist = join(scratch, "dist");
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile: join(dist, `${name}.mjs`),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["better-sqlite3"],
    // Names stay, for the sake of stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const path = join(dist, "start.mjs");
  await writeFile(path, startWithCompiledCode(join(scratch, "compiled"), `./${name}.mjs`));
  return { path, [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) };
}

/** The first process keeps the compiled code early: most of them are killed, which keeps nothing. */
const startWithCompiledCode = (folder: string, program: string): string => `
  import { existsSync } from "node:fs";
  import { enableCompileCache, flushCompileCache } from "node:module";
  const folder = ${JSON.stringify(folder)};
  if (!existsSync(folder)) setTimeout(flushCompileCache, 500).unref();
  enableCompileCache(folder);
  await import(${JSON.stringify(program)});
`;
