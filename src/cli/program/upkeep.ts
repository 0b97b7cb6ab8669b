import { Option, type Command } from "commander";
import { prepared, type AddCommand } from "./command.ts";

/** What keeps a daemon in good order where it runs. */

export function addDatabase(program: Command, add: AddCommand): void {
  const db = prepared(program.command("db")).description("care of the database");
  add(
    db,
    "backup <file>",
    "copy the database, also while the daemon writes, and read the copy back",
    async () => (await import("../commands/db.ts")).backup,
  );
  add(
    db,
    "restore <file>",
    "put a backup in the place of the database, which is kept; not while a daemon runs",
    async () => (await import("../commands/db.ts")).restore,
  );
  add(
    db,
    "check",
    "whether the file is whole, and what is in it",
    async () => (await import("../commands/db.ts")).check,
  );
  add(
    db,
    "prune",
    "remove what is past its time (`retention` in the configuration), beside a daemon too",
    async () => (await import("../commands/db-prune.ts")).prune,
  )
    .option("--dry-run", "say what would be removed; change nothing")
    .option("--compact", "then make the file as small as it can be; not while a daemon runs");
}

export function addPage(program: Command, add: AddCommand): void {
  const web = prepared(program.command("web")).description("the page and its keys");
  add(
    web,
    "token",
    "print the token that opens the page and the API; one is made when there is none",
    async () => (await import("../commands/web.ts")).webToken,
  )
    .option("--new", "make a new one; the old one and all sessions end")
    .addOption(
      new Option("--push <name>", "print the key of a push instead, with a line to copy").conflicts(
        "new",
      ),
    );
}

export function addLogs(program: Command, add: AddCommand): void {
  add(
    program,
    "logs",
    "what the daemon has logged, wherever it runs",
    async () => (await import("../commands/logs.ts")).logs,
  )
    .option("-f, --follow", "go on with what comes, until Ctrl-C")
    .option("--since <duration>", "only what is not older, such as 2h")
    .addOption(
      new Option("--level <level>", "only what is at least so severe")
        .choices(["debug", "info", "warn", "error"])
        .default("debug"),
    )
    .option("--limit <n>", "how many lines, the last ones (default: 100; with --since all)");
}

export function addService(program: Command, add: AddCommand): void {
  const service = prepared(program.command("service")).description(
    "the daemon as a service of systemd",
  );
  const ofUser = () => new Option("--user", "of you alone, and not of the machine");
  const saidYes = () => new Option("--yes", "do not ask");
  add(
    service,
    "install",
    "show the unit, ask, write it, and start the service now and at each boot",
    async () => (await import("../commands/service.ts")).installService,
  )
    .addOption(ofUser())
    .option("--dry-run", "print the unit alone; change nothing")
    .addOption(saidYes());
  add(
    service,
    "uninstall",
    "stop the service and remove its unit; what it knows stays",
    async () => (await import("../commands/service.ts")).uninstallService,
  )
    .addOption(ofUser())
    .addOption(saidYes());
  add(
    service,
    "status",
    "how the service stands: exit code 3 when it does not run, 4 when it is not healthy",
    async () => (await import("../commands/service-status.ts")).serviceStatus,
  ).addOption(ofUser());
}
