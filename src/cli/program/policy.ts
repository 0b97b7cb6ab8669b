import { Option, type Command } from "commander";
import { prepared, type AddCommand } from "./command.ts";

/** What rules for mail and policy would do. */

export function addPolicy(program: Command, add: AddCommand): void {
  const inbox = prepared(program.command("inbox")).description("what your rules for mail do");
  add(
    inbox,
    "test <rule>",
    "which recent mail a rule of your configuration would decide; nothing is done",
    async () => (await import("../commands/inbox.ts")).testRule,
  )
    .addOption(new Option("--days <n>", "how far to look back").default("14"))
    .option("--account <name>", "only this account");

  const policy = prepared(program.command("policy")).description("what tools may do by themselves");
  add(
    policy,
    "explain <tool>",
    "what would be decided of a call, and why",
    async () => (await import("../commands/policy.ts")).explainPolicy,
  )
    .requiredOption("--args <json>", "the arguments of the call")
    .option("--untrusted", "in a run that has read what a stranger could have written");
  add(
    policy,
    "suggest",
    "grants that your approvals have earned, to be pasted by you; none is given here",
    async () => (await import("../commands/policy-suggest.ts")).suggestGrants,
  )
    .option("--after <n>", "how many approvals of the same kind it takes", "5")
    .option("--days <n>", "how far to look back", "90");
}
