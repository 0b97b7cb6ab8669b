import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { scripts, type Shell } from "../completion/scripts.ts";
import { suggest, type Candidate, type Suggestion } from "../completion/suggest.ts";
import { valuesFrom } from "../completion/values.ts";
import { exit, readStore, type CommandContext } from "../context.ts";
import { cutTo, quoted } from "../text.ts";

/**
 * Prints a shell's script; with words, what may stand in the place of the last one: that is what the script
 * asks for at each press of the key.
 */
export async function completion(
  context: CommandContext,
  shell: Shell,
  typed: readonly string[],
  program: Command,
): Promise<number> {
  const { out, json } = context;
  if (typed.length === 0) {
    const script = scripts[shell];
    out.write(json ? `${JSON.stringify({ shell, script }, null, 2)}\n` : script);
    return exit.done;
  }
  const { suggestion, given } = suggest(program, typed);
  const stateDir = given.get("state");
  const candidates = await candidatesOf(
    suggestion,
    stateDir === undefined ? context : { ...context, stateDir: resolve(atHome(stateDir)) },
  );
  const kind = suggestion.kind === "values" ? "words" : suggestion.kind;
  if (json) out.write(`${JSON.stringify({ kind, candidates }, null, 2)}\n`);
  else out.write([`:${kind}`, ...candidates.map(lineOf)].join("\n") + "\n");
  return exit.done;
}

/** A line that is being typed still has its tilde. */
const atHome = (path: string): string => path.replace(/^~(?=\/|$)/, homedir());

async function candidatesOf(
  suggestion: Suggestion,
  context: CommandContext,
): Promise<readonly Candidate[]> {
  if (suggestion.kind === "words") return suggestion.words;
  if (suggestion.kind !== "values") return [];
  try {
    await using store = readStore(context);
    const values = store ? await valuesFrom(store, suggestion.of) : [];
    return values.filter(({ word }) => !suggestion.not.includes(word));
  } catch {
    // Whoever presses a key wants no error in the middle of a line.
    return [];
  }
}

const longestDescription = 60;

/** Titles may be a stranger's words: one line, and nothing that a terminal would obey. */
const lineOf = ({ word, description }: Candidate): string =>
  `${quoted(word)}\t${cutTo(quoted(description), longestDescription)}`;
