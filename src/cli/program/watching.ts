import { Option, type Command } from "commander";
import { type AddCommand } from "./command.ts";

/** The watch itself. */

export function addWatching(program: Command, add: AddCommand): void {
  add(
    program,
    "start",
    "keep watch in the foreground; one daemon per state directory",
    async () => (await import("../commands/start.ts")).start,
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
    async () => (await import("../commands/beat.ts")).beat,
  )
    .option("--check <name...>", "only these: a skill, or skill/check")
    .option("--dry-run", "observe and show what would be found and told; change nothing");
  add(
    program,
    "status",
    "one screen: the daemon, its checks, what is open, what was spent",
    async () => (await import("../commands/status.ts")).status,
  );
}
