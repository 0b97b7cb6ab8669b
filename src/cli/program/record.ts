import type { Command } from "commander";
import { limit, type AddCommand } from "./command.ts";

/** What has been, from the store. */

export function addRecord(program: Command, add: AddCommand): void {
  const beats = add(
    program,
    "beats",
    "the receipts of the last beats",
    async () => (await import("../commands/beats.ts")).listBeats,
  ).addOption(limit());
  add(
    beats,
    "show <id>",
    "one receipt",
    async () => (await import("../commands/beats.ts")).showBeat,
  );

  const runs = add(
    program,
    "runs",
    "the last runs of the agent",
    async () => (await import("../commands/runs.ts")).listRuns,
  ).addOption(limit());
  add(
    runs,
    "show <id>",
    "one run's journal, step by step",
    async () => (await import("../commands/runs.ts")).showRun,
  );

  const findings = add(
    program,
    "findings",
    "what is open, the most severe first",
    async () => (await import("../commands/findings.ts")).listFindings,
  )
    .option("--all", "resolved ones too, newest first")
    .addOption(limit().default("100"));
  add(
    findings,
    "show <id>",
    "one finding with its text",
    async () => (await import("../commands/findings.ts")).showFinding,
  );
  add(
    findings,
    "ack <id>",
    "you know of it: no more about it unless it gets worse",
    async () => (await import("../commands/findings.ts")).ackFinding,
  );
  add(
    findings,
    "snooze <id>",
    "leave it for a while",
    async () => (await import("../commands/findings.ts")).snoozeFinding,
  ).requiredOption("--for <duration>", "how long, such as 2h");
}

export function addCost(program: Command, add: AddCommand): void {
  add(
    program,
    "cost",
    "what was spent per day, model and skill, and what a month will cost",
    async () => (await import("../commands/cost.ts")).cost,
  ).option("--days <n>", "how many days to look back", "30");
}
