import { Argument, Command, Option, type OptionValues } from "commander";
import { nearestOf } from "../config/issues.ts";
import { shells, type Shell } from "./completion/scripts.ts";
import type { CommandContext, GlobalOptions, Terminal } from "./context.ts";
import { addInitOptions } from "./init/options.ts";

/** All commands with their options and help. Each one's code is loaded when it is called. */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- commander hands over untyped words
type Action = (context: CommandContext, ...args: any[]) => Promise<number>;

export interface ProgramDependencies {
  readonly version: string;
  readonly out: Terminal;
  readonly err: Terminal;
  /** Makes a runner of a command's code, which it loads. */
  readonly run: (
    load: () => Promise<Action>,
  ) => (options: GlobalOptions, args: unknown[]) => Promise<void>;
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

  /** Adds a command; commander gives arguments, then the options, then the command itself. */
  const add = (
    parent: Command,
    usage: string,
    description: string,
    load: () => Promise<Action>,
  ): Command =>
    prepared(parent.command(usage))
      .description(description)
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        refuseUnknownSubcommand(command);
        await run(load)(command.optsWithGlobals<OptionValues>(), given.slice(0, -1));
      });
  const limit = () => new Option("--limit <n>", "how many rows").default("20");

  add(
    program,
    "start",
    "keep watch in the foreground; one daemon per state directory",
    async () => (await import("./commands/start.ts")).start,
  ).addOption(
    new Option(
      "--log-level <level>",
      "what is logged on standard error: text on a terminal, else JSON, one line for each event",
    )
      .choices(["debug", "info", "warn", "error", "silent"])
      .default("info"),
  );
  add(
    program,
    "beat",
    "one beat now, and its run, to the end",
    async () => (await import("./commands/beat.ts")).beat,
  )
    .option("--check <name...>", "only these: a skill, or skill/check")
    .option("--dry-run", "observe and show what would be found and told; change nothing");
  add(
    program,
    "status",
    "one screen: the daemon, its checks, what is open, what was spent",
    async () => (await import("./commands/status.ts")).status,
  );

  const beats = add(
    program,
    "beats",
    "the receipts of the last beats",
    async () => (await import("./commands/beats.ts")).listBeats,
  ).addOption(limit());
  add(
    beats,
    "show <id>",
    "one receipt",
    async () => (await import("./commands/beats.ts")).showBeat,
  );

  const runs = add(
    program,
    "runs",
    "the last runs of the agent",
    async () => (await import("./commands/runs.ts")).listRuns,
  ).addOption(limit());
  add(
    runs,
    "show <id>",
    "one run's journal, step by step",
    async () => (await import("./commands/runs.ts")).showRun,
  );

  const findings = add(
    program,
    "findings",
    "what is open, the most severe first",
    async () => (await import("./commands/findings.ts")).listFindings,
  )
    .option("--all", "resolved ones too, newest first")
    .addOption(limit().default("100"));
  add(
    findings,
    "show <id>",
    "one finding with its text",
    async () => (await import("./commands/findings.ts")).showFinding,
  );
  add(
    findings,
    "ack <id>",
    "you know of it: no more about it unless it gets worse",
    async () => (await import("./commands/findings.ts")).ackFinding,
  );
  add(
    findings,
    "snooze <id>",
    "leave it for a while",
    async () => (await import("./commands/findings.ts")).snoozeFinding,
  ).requiredOption("--for <duration>", "how long, such as 2h");

  const approvals = add(
    program,
    "approvals",
    "what waits for your word",
    async () => (await import("./commands/approvals.ts")).listApprovals,
  )
    .option("--all", "decided and expired ones too, newest first")
    .addOption(limit().default("100"));
  add(
    approvals,
    "show <id>",
    "one approval: exactly what would be done, why it is asked, and what came of it",
    async () => (await import("./commands/approvals.ts")).showApproval,
  );
  add(
    program,
    "approve <id>",
    "your word: it is carried out, once, as it was shown",
    async () => (await import("./commands/approve.ts")).approve,
  ).option("--edit <json>", "carry it out with these arguments instead, all of them");
  add(
    program,
    "deny <id>",
    "your word: it is not carried out",
    async () => (await import("./commands/approvals.ts")).denyApproval,
  ).option("--note <text>", "why, for the record");
  add(
    program,
    "undo [id]",
    "take back what a tool has written; without an id, show what there is",
    async () => (await import("./commands/undo.ts")).undo,
  ).addOption(limit());
  add(
    program,
    "pause",
    "the stop button: no model is asked, nothing is done; the checks go on",
    async () => (await import("./commands/pause.ts")).pause,
  )
    .option("--for <duration>", "how long, such as 2h (default: until resume)")
    .option("--reason <text>", "why, shown in status");
  add(
    program,
    "resume",
    "lift the pause",
    async () => (await import("./commands/pause.ts")).resume,
  );
  const memory = prepared(program.command("memory")).description("what the agent has noted");
  const everyNote = () => new Option("--all", "those past their time too");
  add(
    memory,
    "list",
    "its notes, the newest first",
    async () => (await import("./commands/memory.ts")).listNotes,
  )
    .addOption(everyNote())
    .addOption(limit());
  add(
    memory,
    "search <words...>",
    "the notes that hold all these words, or words that begin so, the best match first",
    async () => (await import("./commands/memory.ts")).searchNotes,
  ).addOption(limit());
  add(
    memory,
    "show <id>",
    "one note with all that is known of it",
    async () => (await import("./commands/memory.ts")).showNote,
  );
  add(
    memory,
    "forget <id>",
    "your word: the note is deleted",
    async () => (await import("./commands/memory.ts")).forgetNote,
  );
  add(
    memory,
    "export [file]",
    "all notes with their labels, into a new file or to standard output",
    async () => (await import("./commands/memory-export.ts")).exportNotes,
  )
    .addOption(
      new Option("--format <format>", "jsonl (one note a line) or markdown").choices([
        "jsonl",
        "markdown",
      ]),
    )
    .addOption(everyNote())
    .option("--force", "write over a file that is there");
  const inbox = prepared(program.command("inbox")).description("what your rules for mail do");
  add(
    inbox,
    "test <rule>",
    "which recent mail a rule of your configuration would decide; nothing is done",
    async () => (await import("./commands/inbox.ts")).testRule,
  )
    .addOption(new Option("--days <n>", "how far to look back").default("14"))
    .option("--account <name>", "only this account");

  const policy = prepared(program.command("policy")).description("what tools may do by themselves");
  add(
    policy,
    "explain <tool>",
    "what would be decided of a call, and why",
    async () => (await import("./commands/policy.ts")).explainPolicy,
  )
    .requiredOption("--args <json>", "the arguments of the call")
    .option("--untrusted", "in a run that has read what a stranger could have written");
  add(
    policy,
    "suggest",
    "grants that your approvals have earned, to be pasted by you; none is given here",
    async () => (await import("./commands/policy-suggest.ts")).suggestGrants,
  )
    .option("--after <n>", "how many approvals of the same kind it takes", "5")
    .option("--days <n>", "how far to look back", "90");

  const db = prepared(program.command("db")).description("care of the database");
  add(
    db,
    "backup <file>",
    "copy the database, also while the daemon writes, and read the copy back",
    async () => (await import("./commands/db.ts")).backup,
  );
  add(
    db,
    "restore <file>",
    "put a backup in the place of the database, which is kept; not while a daemon runs",
    async () => (await import("./commands/db.ts")).restore,
  );
  add(
    db,
    "check",
    "whether the file is whole, and what is in it",
    async () => (await import("./commands/db.ts")).check,
  );
  add(
    db,
    "prune",
    "remove what is past its time (`retention` in the configuration), beside a daemon too",
    async () => (await import("./commands/db-prune.ts")).prune,
  )
    .option("--dry-run", "say what would be removed; change nothing")
    .option("--compact", "then make the file as small as it can be; not while a daemon runs");

  const web = prepared(program.command("web")).description("the page and its keys");
  add(
    web,
    "token",
    "print the token that opens the page and the API; one is made when there is none",
    async () => (await import("./commands/web.ts")).webToken,
  )
    .option("--new", "make a new one; the old one and all sessions end")
    .addOption(
      new Option("--push <name>", "print the key of a push instead, with a line to copy").conflicts(
        "new",
      ),
    );

  add(
    program,
    "cost",
    "what was spent per day, model and skill, and what a month will cost",
    async () => (await import("./commands/cost.ts")).cost,
  ).option("--days <n>", "how many days to look back", "30");

  const listSkills = async () => (await import("./commands/skills.ts")).listSkills;
  const skills = add(
    program,
    "skills",
    "the skills that are enabled, with their checks and tools",
    listSkills,
  );
  add(skills, "list", "the same", listSkills);
  add(
    skills,
    "new <name>",
    "write a skill that works, with a test, to be made your own",
    async () => (await import("./commands/skills-new.ts")).newSkill,
  );
  add(
    skills,
    "test <name>",
    "try one skill: its tests, its checks in a dry run, what the model would see",
    async () => (await import("./commands/skills-test.ts")).testSkill,
  )
    .option("--input <file>", "look at recorded input in the place of live one")
    .option("--record <file>", "record what servers answer to fetch, for --input")
    .option("--cursor <json>", "the cursor that the first look goes on from");
  add(
    skills,
    "accept <name>",
    "your word: what an MCP server, or one tool of it, now says of itself is taken",
    async () => (await import("./commands/skills-accept.ts")).acceptSkillTools,
  ).option("--show", "only show what has changed");
  const notify = prepared(program.command("notify")).description("where notifications go");
  add(
    notify,
    "test [channels...]",
    "send a test message now, by every channel or by these",
    async () => (await import("./commands/notify.ts")).testChannels,
  );
  const config = prepared(program.command("config")).description("the configuration");
  add(
    config,
    "check",
    "everything that is wrong with the configuration",
    async () => (await import("./commands/config.ts")).checkConfig,
  );
  add(
    program,
    "doctor",
    "see whether everything that the watch needs is there",
    async () => (await import("./commands/doctor.ts")).doctor,
  ).option("--model", "ask each model for one token too, and say what that cost");
  add(
    program,
    "logs",
    "what the daemon has logged, wherever it runs",
    async () => (await import("./commands/logs.ts")).logs,
  )
    .option("-f, --follow", "go on with what comes, until Ctrl-C")
    .option("--since <duration>", "only what is not older, such as 2h")
    .addOption(
      new Option("--level <level>", "only what is at least so severe")
        .choices(["debug", "info", "warn", "error"])
        .default("debug"),
    )
    .option("--limit <n>", "how many lines, the last ones (default: 100; with --since all)");
  const service = prepared(program.command("service")).description(
    "the daemon as a service of systemd",
  );
  const ofUser = () => new Option("--user", "of you alone, and not of the machine");
  const saidYes = () => new Option("--yes", "do not ask");
  add(
    service,
    "install",
    "show the unit, ask, write it, and start the service now and at each boot",
    async () => (await import("./commands/service.ts")).installService,
  )
    .addOption(ofUser())
    .option("--dry-run", "print the unit alone; change nothing")
    .addOption(saidYes());
  add(
    service,
    "uninstall",
    "stop the service and remove its unit; what it knows stays",
    async () => (await import("./commands/service.ts")).uninstallService,
  )
    .addOption(ofUser())
    .addOption(saidYes());
  add(
    service,
    "status",
    "how the service stands: exit code 3 when it does not run, 4 when it is not healthy",
    async () => (await import("./commands/service-status.ts")).serviceStatus,
  ).addOption(ofUser());
  const auth = prepared(program.command("auth")).description(
    "logins that a password does not give",
  );
  add(
    auth,
    "google",
    "a login for the calendars at Google: you say yes in the browser",
    async () => (await import("./commands/auth.ts")).authGoogle,
  ).option("--source <name>", "for this calendar alone (default: all that are at Google)");
  addInitOptions(
    add(
      program,
      "init",
      "ask what you have, and write a commented configuration; nothing is overwritten",
      async () => (await import("./commands/init.ts")).init,
    ),
  );
  add(
    program,
    "demo",
    "keep watch over a small world of its own, no account needed",
    async () => (await import("./commands/demo.ts")).demo,
  ).option("--dir <dir>", "where the small world is kept (default: a temporary folder)");
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
  prepared(program.command("help [command...]"))
    .description("show help for a command")
    .action((words: readonly string[]) => helpFor(program, words));
  return program;
}

function helpFor(command: Command, [word, ...more]: readonly string[]): void {
  if (word === undefined) command.help();
  const subcommand = command.commands.find((each) => each.name() === word);
  if (subcommand === undefined) command.error(`unknown command '${word}'`);
  else helpFor(subcommand, more);
}

/** A command that says what is wrong with its use in one line, with where its help is. */
function prepared(command: Command): Command {
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
