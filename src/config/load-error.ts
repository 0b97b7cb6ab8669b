import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError } from "../domain/errors.ts";

/** Node's loader errors, and whatever a module threw while it was loaded, in plain words. */
export function explainLoadError(file: string, error: unknown): ConfigError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = firstLine(error instanceof Error ? error.message : String(error));
  const place = placeOf(file, error);
  const explain = (text: string, hint: string) =>
    new ConfigError("MODULE_UNLOADABLE", `${place}: ${text}`, { hint });
  switch (code) {
    case "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX":
      return explain(
        `TypeScript that is more than types cannot be loaded (${message})`,
        "Write a plain object in the place of an enum, and no namespaces or parameter properties",
      );
    case "ERR_INVALID_TYPESCRIPT_SYNTAX":
      return explain(`this is not valid TypeScript (${message})`, "Correct it and try again");
    case "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING":
      return explain(
        "imports TypeScript from node_modules, which Node does not load",
        "Publish that package as JavaScript, or copy its source beside your config",
      );
    case "ERR_MODULE_NOT_FOUND":
    case "ERR_UNSUPPORTED_DIR_IMPORT":
      return explain(missingImport(message), importHint(message));
    default:
      return explainThrown(message, error, explain);
  }
}

function explainThrown(
  message: string,
  error: unknown,
  explain: (text: string, hint: string) => ConfigError,
): ConfigError {
  if (!(error instanceof SyntaxError)) {
    return explain(`it fails while it is loaded: ${message}`, "Correct what it throws");
  }
  const [, from, name] =
    /module '(.+)' does not provide an export named '(.+)'/.exec(message) ?? [];
  return from && name
    ? explain(
        `imports ${name} from "${from}", which exports nothing of that name`,
        "Correct the name",
      )
    : explain(`has a syntax error (${message})`, "Correct it and try again");
}

function missingImport(message: string): string {
  const [, kind, what] = /^Cannot find (module|package) '(.+?)'/.exec(message) ?? [];
  if (kind === "module") return `imports ${what}, which is not there`;
  const folder = /^Directory import '(.+?)'/.exec(message)?.[1];
  if (folder) return `imports the folder ${folder}`;
  if (kind === "package") return `imports the package "${what}", which is not installed`;
  return message;
}

const importHint = (message: string): string =>
  message.startsWith("Cannot find package")
    ? "Install it beside the file, or take the import out"
    : "Correct the path; an import names a file with its ending, such as ./targets.ts";

const firstLine = (text: string): string => text.trim().split("\n", 1)[0] ?? "";

/**
 * The file and line that the error is about: the user's own file, or one that it imports. Node
 * prints it above the stack, or in its first frame.
 */
function placeOf(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const head = /^(file:\S+|\/\S.*):(\d+)\n/.exec(stack);
  if (head?.[1]) return `${pathOf(head[1])}, line ${head[2]}`;
  const importer = /imported from (.+)/.exec(firstLine(stack))?.[1];
  if (importer) return importer;
  const url = pathToFileURL(file).href;
  const frame = stack.split("\n").find((line) => line.includes(url) || line.includes(file));
  const line = frame && /:(\d+):\d+\)?$/.exec(frame)?.[1];
  return line ? `${file}, line ${line}` : file;
}

const pathOf = (place: string): string =>
  place.startsWith("file:") ? fileURLToPath(place.replace(/\?.*$/, "")) : place;
