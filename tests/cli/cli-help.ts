import type { Command } from "commander";
import { format } from "prettier";
import { buildProgram } from "../../src/cli/program.ts";

/** What `docs/cli.md` says, made from the commands themselves. */
export async function renderCliPage(): Promise<string> {
  const program = silentProgram();
  const page = [
    "# The command line",
    "<!-- Made from the commands' own help: UPDATE_DOCS=1 npx vitest run tests/cli/help.test.ts -->",
    [
      "With `--json` a command prints JSON and nothing else on standard output: keys in camelCase,",
      "times in ISO 8601 and UTC, an array from a list. Only `start` and `demo`, which go on for as",
      "long as you let them, print words.",
    ].join("\n"),
    [
      "| exit | means |",
      "|---|---|",
      "| 0 | done |",
      "| 1 | failed |",
      "| 2 | wrong use, or a configuration that cannot be used |",
      "| 3 | `status`, `service status`: the daemon is not running |",
      "| 4 | `status`, `service status`: it runs and is not healthy: a check is blind, a skill is off, no beat came, no channel works |",
    ].join("\n"),
    fenced(program.helpInformation()),
    ...program.commands
      .flatMap(withSubcommands)
      .flatMap((command) => [
        `## ${pathOf(command)}`,
        fenced(withoutGlobalOptions(command.helpInformation())),
      ]),
  ];
  return format(page.join("\n\n"), { parser: "markdown", printWidth: 100 });
}

/** The words of every command, such as `["findings", "ack"]`. */
export function allCommands(): string[][] {
  return silentProgram()
    .commands.flatMap(withSubcommands)
    .map((command) => pathOf(command).split(" ").slice(1));
}

function silentProgram(): Command {
  const silent = { isTTY: false, columns: 80, isClosed: false, write() {} };
  return buildProgram({ version: "", out: silent, err: silent, run: () => async () => undefined });
}

const fenced = (text: string): string => `\`\`\`text\n${text.trim()}\n\`\`\``;

const withSubcommands = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
];

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/** They stand once, at the top. */
const withoutGlobalOptions = (help: string): string =>
  help.replace(/\nGlobal Options:\n(?: .*\n)+/, "").trim();
