// What the published package holds beside the bundle: type declarations of the public API, and the
// licences of the libraries inside the bundle.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";

/**
 * @param {string} root
 * @param {import("esbuild").Metafile} metafile
 * @returns {Promise<Map<string, Uint8Array>>} path inside dist/ → content
 */
export async function packageExtras(root, metafile) {
  const [types, notices] = await Promise.all([
    declarations(root),
    thirdPartyNotices(root, metafile),
  ]);
  return new Map([...types, ["THIRD-PARTY-NOTICES.txt", Buffer.from(notices)]]);
}

/** @param {string} root */
async function declarations(root) {
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-types-"));
  try {
    const { resolve } = createRequire(join(root, "package.json"));
    const compiler = join(dirname(resolve("typescript-7/package.json")), "bin/tsc");
    await promisify(execFile)(
      process.execPath,
      [compiler, "-p", join(root, "tsconfig.types.json"), "--outDir", folder],
      { cwd: root },
    ).catch((/** @type {Error & { stdout?: string }} */ error) => {
      throw new Error(`no type declarations: ${error.stdout || error.message}`);
    });
    /** @type {Map<string, Uint8Array>} */
    const files = new Map();
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(join("types", relative(folder, path)), await readFile(path));
    }
    return files;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {import("esbuild").Metafile} metafile
 */
async function thirdPartyNotices(root, metafile) {
  const folders = new Set(
    Object.values(metafile.outputs)
      .flatMap((output) => Object.keys(output.inputs))
      .flatMap((input) => packageFolder(join(root, input)) ?? []),
  );
  /** @type {{ title: string, text: string }[]} */
  const notices = [];
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(
      await readFile(join(folder, "package.json"), "utf8"),
    );
    const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? await readFile(join(folder, file), "utf8") : `Licence: ${license}`;
    notices.push({ title: `${name} ${version} (${license})`, text: text.trim() });
  }
  notices.sort((a, b) => a.title.localeCompare(b.title));
  const head = "Watchkeeper's bundle holds code of these packages, under these licences.";
  return [
    head,
    ...notices.map(({ title, text }) => `${title}\n${"-".repeat(title.length)}\n${text}`),
  ]
    .join("\n\n\n")
    .concat("\n");
}

/**
 * The folder of the package that a file under node_modules belongs to.
 * @param {string} file
 * @returns {string | undefined}
 */
function packageFolder(file) {
  if (!file.includes("node_modules")) return undefined;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    // Some packages hold bare package.json files in subfolders: the real one has a parent of its own kind.
    const parent = dirname(folder);
    const grandparent = dirname(parent);
    const isPackage =
      parent.endsWith("node_modules") ||
      (grandparent.endsWith("node_modules") &&
        parent.slice(grandparent.length + 1).startsWith("@"));
    if (isPackage && existsSync(join(folder, "package.json"))) return folder;
  }
  return undefined;
}
