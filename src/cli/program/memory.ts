import { Option, type Command } from "commander";
import { limit, prepared, type AddCommand } from "./command.ts";

/** What the agent has noted. */

export function addMemory(program: Command, add: AddCommand): void {
  const memory = prepared(program.command("memory")).description("what the agent has noted");
  const everyNote = () => new Option("--all", "those past their time too");
  add(
    memory,
    "list",
    "its notes, the newest first",
    async () => (await import("../commands/memory.ts")).listNotes,
  )
    .addOption(everyNote())
    .addOption(limit());
  add(
    memory,
    "search <words...>",
    "the notes that hold all these words, or words that begin so, the best match first",
    async () => (await import("../commands/memory.ts")).searchNotes,
  ).addOption(limit());
  add(
    memory,
    "show <id>",
    "one note with all that is known of it",
    async () => (await import("../commands/memory.ts")).showNote,
  );
  add(
    memory,
    "forget <id>",
    "your word: the note is deleted",
    async () => (await import("../commands/memory.ts")).forgetNote,
  );
  add(
    memory,
    "export [file]",
    "all notes with their labels, into a new file or to standard output",
    async () => (await import("../commands/memory-export.ts")).exportNotes,
  )
    .addOption(
      new Option("--format <format>", "jsonl (one note a line) or markdown").choices([
        "jsonl",
        "markdown",
      ]),
    )
    .addOption(everyNote())
    .option("--force", "write over a file that is there");
}
