import type { Command } from "commander";
import { limit, type AddCommand } from "./command.ts";

/** The owner's word: on what is asked, on what was done, and that it stop. */

export function addOwnersWord(program: Command, add: AddCommand): void {
  const approvals = add(
    program,
    "approvals",
    "what waits for your word",
    async () => (await import("../commands/approvals.ts")).listApprovals,
  )
    .option("--all", "decided and expired ones too, newest first")
    .addOption(limit().default("100"));
  add(
    approvals,
    "show <id>",
    "one approval: exactly what would be done, why it is asked, and what came of it",
    async () => (await import("../commands/approvals.ts")).showApproval,
  );
  add(
    program,
    "approve <id>",
    "your word: it is carried out, once, as it was shown",
    async () => (await import("../commands/approve.ts")).approve,
  ).option("--edit <json>", "carry it out with these arguments instead, all of them");
  add(
    program,
    "deny <id>",
    "your word: it is not carried out",
    async () => (await import("../commands/approvals.ts")).denyApproval,
  ).option("--note <text>", "why, for the record");
  add(
    program,
    "undo [id]",
    "take back what a tool has written; without an id, show what there is",
    async () => (await import("../commands/undo.ts")).undo,
  ).addOption(limit());
  add(
    program,
    "pause",
    "the stop button: no model is asked, nothing is done; the checks go on",
    async () => (await import("../commands/pause.ts")).pause,
  )
    .option("--for <duration>", "how long, such as 2h (default: until resume)")
    .option("--reason <text>", "why, shown in status");
  add(
    program,
    "resume",
    "lift the pause",
    async () => (await import("../commands/pause.ts")).resume,
  );
}
