import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "../domain/errors.ts";

/**
 * Loads the user's TypeScript: `agent.config.ts` and skills, wherever they lie. Node strips the types
 * itself; `import … from "watchkeeper"` is led to this very process's public API.
 */

/** Leads imports of our own name to the built public API, from any folder. Call once per process. */
export function offerPublicApi(packageRoot: string): void {
  const entries: Record<string, string> = {
    watchkeeper: pathToFileURL(join(packageRoot, "dist", "index.js")).href,
    "watchkeeper/testing": pathToFileURL(join(packageRoot, "dist", "testing.js")).href,
  };
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = entries[specifier];
      return url ? { url, shortCircuit: true } : nextResolve(specifier, context);
    },
  });
}

/**
 * Imports a user's module and returns its default export.
 * @param version another one loads the file anew after it was edited
 * @throws ConfigError in plain words for whatever Node's loader, or the module itself, throws.
 */
export async function importUserModule(file: string, version?: string): Promise<unknown> {
  if (!existsSync(file)) {
    throw new ConfigError("FILE_MISSING", `${file} is not there`, {
      hint: "Make one with `watchkeeper init`, or name another with --config FILE",
    });
  }
  const url = pathToFileURL(file);
  if (version) url.searchParams.set("v", version);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(url.href)) as { default?: unknown };
  } catch (error) {
    throw explainLoadError(file, error);
  }
  if (loaded.default === undefined) {
    throw new ConfigError("NO_DEFAULT_EXPORT", `${file} has no default export`, {
      hint: "Write `export default …` before what the file declares",
    });
  }
  return await loaded.default;
}

/** Node's loader errors in plain words. */
function explainLoadError(file: string, error: unknown): ConfigError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  const explain = (text: string, hint: string) =>
    new ConfigError("MODULE_UNLOADABLE", `${file}: ${text}`, { hint });
  switch (code) {
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
      return explain(
        `uses TypeScript that cannot simply be stripped (${firstLine(message)})`,
        "Use plain objects in the place of enums, and no namespaces or parameter properties",
      );
    case "ERR_INVALID_TYPESCRIPT_SYNTAX":
      return explain(`is not valid TypeScript (${firstLine(message)})`, "Correct the line it names");
    case "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING":
      return explain(
        "imports TypeScript from node_modules, which Node does not load",
        "Publish that package as JavaScript, or copy its source beside your config",
      );
    case "ERR_MODULE_NOT_FOUND":
      return explain(
        firstLine(message),
        "Check the path (relative imports need their file ending), or install the package beside the file",
      );
    default:
      return error instanceof SyntaxError
        ? explain(`has a syntax error (${firstLine(message)}${placeOf(error)})`, "Correct it")
        : explain(`failed while it was loaded: ${firstLine(message)}`, "Correct what it throws");
  }
}

const firstLine = (text: string): string => text.trim().split("\n", 1)[0] ?? "";

/** Node prints the place of a syntax error above its stack. */
function placeOf(error: Error): string {
  const line = /:(\d+)\n/.exec(error.stack ?? "")?.[1];
  return line ? `, line ${line}` : "";
}
