import { existsSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, isWatchkeeperError } from "../domain/errors.ts";
import { explainLoadError } from "./load-error.ts";

/**
 * Loads the user's TypeScript: `agent.config.ts` and skills, wherever they lie. Node strips the types
 * itself; `import … from "watchkeeper"` is led to this very process's public API.
 */

const publicEntries = (packageRoot: string): Record<string, string> => ({
  watchkeeper: pathToFileURL(join(packageRoot, "dist", "index.js")).href,
  "watchkeeper/testing": pathToFileURL(join(packageRoot, "dist", "testing.js")).href,
});

/** Leads imports of our own name to the built public API, from any folder; once more changes nothing. */
export function offerPublicApi(packageRoot: string): void {
  const entries = publicEntries(packageRoot);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = entries[specifier];
      return url ? { url, shortCircuit: true } : nextResolve(specifier, context);
    },
  });
}

/** The same for another process: what `node --import` takes. */
export function publicApiPreload(packageRoot: string): string {
  const code = `import { registerHooks } from "node:module";
const entries = ${JSON.stringify(publicEntries(packageRoot))};
registerHooks({ resolve: (name, context, next) =>
  Object.hasOwn(entries, name) ? { url: entries[name], shortCircuit: true } : next(name, context) });`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** How the name of a module ends that can be loaded. */
export const loadable = [".ts", ".mts", ".js", ".mjs"];

/**
 * Imports a user's module and returns its default export.
 * @param version another one loads the file anew after it was edited
 * @throws ConfigError in plain words for whatever Node's loader, or the module itself, throws.
 */
export async function importUserModule(file: string, version?: string): Promise<unknown> {
  refuseUnloadable(file);
  const url = pathToFileURL(file);
  if (version) url.searchParams.set("v", version);
  let loaded: { default?: unknown };
  try {
    loaded = await orNever(import(url.href) as Promise<{ default?: unknown }>, file);
  } catch (error) {
    throw isWatchkeeperError(error) ? error : explainLoadError(file, error);
  }
  if (loaded.default === undefined || isBlank(loaded)) {
    throw new ConfigError("NO_DEFAULT_EXPORT", `${file} has no default export`, {
      hint: "Write `export default …` before what the file declares",
    });
  }
  return loaded.default;
}

/** A file that was emptied is one of CommonJS to Node, whose default export is an empty object. */
const isBlank = (loaded: object): boolean => {
  const { "module.exports": exported } = loaded as { "module.exports"?: unknown };
  return typeof exported === "object" && exported !== null && Object.keys(exported).length === 0;
};

function refuseUnloadable(file: string): void {
  if (!existsSync(file)) {
    throw new ConfigError("FILE_MISSING", `${file} is not there`, {
      hint: "Make one with `watchkeeper init`, or name another with --config FILE",
    });
  }
  const unloadable = (text: string, hint: string) =>
    new ConfigError("MODULE_UNLOADABLE", `${file} ${text}`, { hint });
  if (!statSync(file).isFile()) {
    throw unloadable("is not a file", "Name the file itself, such as agent.config.ts");
  }
  if (!loadable.includes(extname(file))) {
    throw unloadable(
      "is not TypeScript or JavaScript",
      `Its name must end in ${loadable.join(", ")}`,
    );
  }
}

/**
 * A module that awaits what never comes would let the process run dry and end as if all were well.
 */
async function orNever<T>(loading: Promise<T>, file: string): Promise<T> {
  const never = Promise.withResolvers<T>();
  const onDry = () => {
    const error = new ConfigError(
      "MODULE_UNLOADABLE",
      `${file} awaits something that never comes`,
      {
        hint: "Look for the `await` at its top level that does not end",
      },
    );
    // A turn later, which keeps the process alive for whoever loads the next module.
    setImmediate(() => never.reject(error));
  };
  process.once("beforeExit", onDry);
  try {
    return await Promise.race([loading, never.promise]);
  } finally {
    process.off("beforeExit", onDry);
  }
}
