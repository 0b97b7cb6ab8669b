import { Option, type Command, type OptionValues } from "commander";
import { nearestOf } from "../../config/issues.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";

/** One command, as all of them are: its code is loaded when it is called, and a wrong use is told in one line. */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- commander hands over untyped words
export type Action = (context: CommandContext, ...args: any[]) => Promise<number>;

/** Makes a runner of a command's code, which it loads. */
export type RunCommand = (
  load: () => Promise<Action>,
) => (options: GlobalOptions, args: unknown[]) => Promise<void>;

export type AddCommand = (
  parent: Command,
  usage: string,
  description: string,
  load: () => Promise<Action>,
) => Command;

/** Commander gives arguments, then the options, then the command itself. */
export const commandAdder =
  (run: RunCommand): AddCommand =>
  (parent, usage, description, load) =>
    prepared(parent.command(usage))
      .description(description)
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        refuseUnknownSubcommand(command);
        await run(load)(command.optsWithGlobals<OptionValues>(), given.slice(0, -1));
      });

export const limit = () => new Option("--limit <n>", "how many rows").default("20");

/** A command that says what is wrong with its use in one line, with where its help is. */
export function prepared(command: Command): Command {
  return command.allowExcessArguments(true).configureOutput({
    outputError: (text, write) => {
      const [said = "", theirs] = text
        .trim()
        .replace(/^error: /, "")
        .split(/\.?\n\(Did you mean (?:one of )?(.+?)\?\)$/);
      const word = /^unknown command '(.*)'/.exec(said)?.[1];
      const known = command.commands.map((subcommand) => subcommand.name());
      const meant = (word === undefined ? undefined : nearestOf(word, known)) ?? theirs;
      const message = `${said.replace(/\.$/, "")}${meant ? `; did you mean ${meant}?` : ""}`;
      const help = `\`${[...pathOf(command), "--help"].join(" ")}\``;
      write(`watchkeeper: ${message}${message.endsWith("?") ? "" : "."} See ${help}\n`);
    },
  });
}

function pathOf(command: Command): string[] {
  return [...(command.parent ? pathOf(command.parent) : []), command.name()];
}

/** `findings 12` and `findings akc 12`: a word after a command that takes none. */
function refuseUnknownSubcommand(command: Command): void {
  if (command.registeredArguments.at(-1)?.variadic) return;
  const [word] = command.args.slice(command.registeredArguments.length);
  if (word === undefined) return;
  const known = command.commands.map((subcommand) => subcommand.name());
  const nearest =
    /^#?\d+$/.test(word) && known.includes("show") ? `show ${word}` : nearestOf(word, known);
  command.error(
    `${command.name()} does not take "${word}"${nearest ? `; did you mean "${command.name()} ${nearest}"?` : ""}`,
  );
}
