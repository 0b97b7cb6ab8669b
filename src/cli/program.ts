import { Argument, Command } from "commander";
import { shells, type Shell } from "./completion/scripts.ts";
import type { Terminal } from "./context.ts";
import { commandAdder, prepared, type AddCommand, type RunCommand } from "./program/command.ts";
import { addMemory } from "./program/memory.ts";
import { addOwnersWord } from "./program/owners-word.ts";
import { addPolicy } from "./program/policy.ts";
import { addCost, addRecord } from "./program/record.ts";
import { addBeginnings, addTrials } from "./program/setting-up.ts";
import { addSkills } from "./program/skills.ts";
import { addDatabase, addLogs, addPage, addService } from "./program/upkeep.ts";
import { addWatching } from "./program/watching.ts";

/** All commands, in the order of the help; their options and help stand in program/, a file for each group. */

export interface ProgramDependencies {
  readonly version: string;
  readonly out: Terminal;
  readonly err: Terminal;
  readonly run: RunCommand;
}

export function buildProgram({ version, out, err, run }: ProgramDependencies): Command {
  const program = prepared(new Command("watchkeeper"))
    .description(
      "Keeps watch over your inbox, calendar and services, and wakes an agent only when something is new.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .option("--config <file>", "configuration (default: $WATCHKEEPER_CONFIG or ./agent.config.ts)")
    .option("--state <dir>", "state directory (default: $WATCHKEEPER_STATE or ./state)")
    .option("--json", "print JSON instead of text")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => out.columns,
      getErrHelpWidth: () => err.columns,
    })
    .showSuggestionAfterError(true)
    // Its own knows one word only: `help skills new` would be the help of `skills`.
    .helpCommand(false)
    .exitOverride()
    .addHelpText(
      "after",
      "\nFirst steps:\n  watchkeeper demo      a small world to watch, no account needed\n  watchkeeper init      write a configuration of your own\n  watchkeeper doctor    see whether everything it needs is there",
    );

  const add = commandAdder(run);
  addWatching(program, add);
  addRecord(program, add);
  addOwnersWord(program, add);
  addMemory(program, add);
  addPolicy(program, add);
  addDatabase(program, add);
  addPage(program, add);
  addCost(program, add);
  addSkills(program, add);
  addTrials(program, add);
  addLogs(program, add);
  addService(program, add);
  addBeginnings(program, add);
  addCompletion(program, add);
  prepared(program.command("help [command...]"))
    .description("show help for a command")
    .action((words: readonly string[]) => helpFor(program, words));
  return program;
}

function addCompletion(program: Command, add: AddCommand): void {
  add(
    program,
    "completion",
    "print what has your shell complete commands, options, ids and names",
    async () => {
      const { completion } = await import("./commands/completion.ts");
      return async (context, shell: Shell, words: string[]) =>
        completion(context, shell, words, program);
    },
  )
    .addArgument(new Argument("<shell>", "which shell it is for").choices(shells))
    .argument("[words...]", "what is typed so far, after --: then what may stand next is printed")
    .addHelpText(
      "after",
      "\nTo have it in each new shell:\n  bash  echo 'source <(watchkeeper completion bash)' >> ~/.bashrc\n  zsh   echo 'source <(watchkeeper completion zsh)' >> ~/.zshrc\n        (after the line with compinit)\n  fish  watchkeeper completion fish \\\n          > ~/.config/fish/completions/watchkeeper.fish",
    );
}

function helpFor(command: Command, [word, ...more]: readonly string[]): void {
  if (word === undefined) command.help();
  const subcommand = command.commands.find((each) => each.name() === word);
  if (subcommand === undefined) command.error(`unknown command '${word}'`);
  else helpFor(subcommand, more);
}
