import type { Argument, Command, Option } from "commander";

/** What may stand next on a command line, read from the program itself. */

export interface Candidate {
  readonly word: string;
  readonly description: string;
}

/** Values that only the store knows. */
export type ValueSource =
  | "approvals"
  | "beats"
  | "channels"
  | "checks"
  | "findings"
  | "notes"
  | "runs"
  | "skills"
  | "writes";

export type Suggestion =
  | { readonly kind: "words"; readonly words: readonly Candidate[] }
  | { readonly kind: "files" | "folders" }
  | { readonly kind: "values"; readonly of: ValueSource; readonly not: readonly string[] };

export interface Suggested {
  readonly suggestion: Suggestion;
  /** Of `--config` and `--state`, as far as they are typed. */
  readonly given: ReadonlyMap<string, string>;
}

/** By the command and what it calls the value. */
export const valueSources: Readonly<Record<string, ValueSource>> = {
  "beat --check": "checks",
  "beats show id": "beats",
  "runs show id": "runs",
  "findings show id": "findings",
  "findings ack id": "findings",
  "findings snooze id": "findings",
  "approvals show id": "approvals",
  "approve id": "approvals",
  "deny id": "approvals",
  "undo id": "writes",
  "memory show id": "notes",
  "memory forget id": "notes",
  "skills test name": "skills",
  "notify test channels": "channels",
};

const nothing: Suggestion = { kind: "words", words: [] };

/** @param typed the words after the program's name; the last one is being typed, and may be empty */
export function suggest(program: Command, typed: readonly string[]): Suggested {
  const before = typed.slice(0, -1);
  const current = typed.at(-1) ?? "";
  const given = new Map<string, string>();
  const options: Option[] = [];
  const operands: string[] = [];
  let command = program;
  /** Whose value the next word is. */
  let open: Option | undefined;
  let onlyOperands = false;
  for (const word of before) {
    if (open !== undefined && !word.startsWith("-")) {
      given.set(open.name(), word);
      if (!open.variadic) open = undefined;
      continue;
    }
    open = undefined;
    if (word === "--") onlyOperands = true;
    else if (word.startsWith("-") && !onlyOperands) {
      const [name = "", value] = word.split("=", 2);
      const option = optionsOf(command).find(({ long, short }) => name === long || name === short);
      if (!option) continue;
      options.push(option);
      if (value !== undefined) given.set(option.name(), value);
      else if (option.required || option.optional) open = option;
    } else {
      const next = operands.length === 0 && !onlyOperands ? childOf(command, word) : undefined;
      if (next) command = next;
      else operands.push(word);
    }
  }
  return { suggestion: next(), given };

  function next(): Suggestion {
    if (open && (!current.startsWith("-") || !open.variadic)) {
      return ofOption(open, pathOf(command), [...given.values()]);
    }
    if (current.startsWith("-") && !onlyOperands) {
      const free = optionsOf(command).filter(
        (option) => option.variadic || !options.includes(option),
      );
      return words(
        free.map(({ long, short, description }) => ({ word: long ?? short ?? "", description })),
      );
    }
    if (command.name() === "help") return helpTopics(program, operands);
    const children = operands.length === 0 && !onlyOperands ? childrenOf(command) : [];
    const named = children.map((child) => ({
      word: child.name(),
      description: child.description(),
    }));
    if (named.length > 0) return words(named);
    const { registeredArguments } = command;
    const argument = registeredArguments[operands.length] ?? registeredArguments.at(-1);
    if (!argument || (operands.length >= registeredArguments.length && !argument.variadic)) {
      return nothing;
    }
    return ofArgument(argument, pathOf(command), operands);
  }
}

const words = (
  from: readonly { readonly word: string; readonly description: string }[],
): Suggestion => ({
  kind: "words",
  words: from.map(({ word, description }) => ({ word, description })),
});

/** Its own, and those that hold everywhere. */
function optionsOf(command: Command): readonly Option[] {
  const help = command.createHelp();
  const everywhere = help.visibleGlobalOptions(command);
  return [
    ...help.visibleOptions(command),
    ...everywhere.filter((option) => option.name() !== "version"),
  ];
}

const childrenOf = (command: Command): readonly Command[] =>
  command.createHelp().visibleCommands(command);

const childOf = (command: Command, word: string): Command | undefined =>
  command.commands.find((child) => child.name() === word);

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}`.trim() : "";

/** `help findings ack` is the help of that command. */
function helpTopics(program: Command, operands: readonly string[]): Suggestion {
  let topic: Command | undefined = program;
  for (const operand of operands) topic = topic && childOf(topic, operand);
  return words(
    (topic ? childrenOf(topic) : []).map((child) => ({
      word: child.name(),
      description: child.description(),
    })),
  );
}

function ofOption(option: Option, path: string, given: readonly string[]): Suggestion {
  if (option.argChoices) return choices(option.argChoices);
  const metavar = /[<[]([a-z]+)/.exec(option.flags)?.[1] ?? "";
  return byKind(valueSources[`${path} ${option.long ?? ""}`], metavar, given);
}

function ofArgument(argument: Argument, path: string, given: readonly string[]): Suggestion {
  if (argument.argChoices) return choices(argument.argChoices);
  return byKind(valueSources[`${path} ${argument.name()}`], argument.name(), given);
}

const choices = (values: readonly string[]): Suggestion =>
  words(values.map((word) => ({ word, description: "" })));

function byKind(of: ValueSource | undefined, metavar: string, not: readonly string[]): Suggestion {
  if (of !== undefined) return { kind: "values", of, not };
  if (metavar === "file") return { kind: "files" };
  return metavar === "dir" ? { kind: "folders" } : nothing;
}
