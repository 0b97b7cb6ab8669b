import type { Command } from "commander";
import { addInitOptions } from "../init/options.ts";
import { prepared, type AddCommand } from "./command.ts";

/** From nothing to a watch that is known to work. */

/** Whether what is configured works. */
export function addTrials(program: Command, add: AddCommand): void {
  const notify = prepared(program.command("notify")).description("where notifications go");
  add(
    notify,
    "test [channels...]",
    "send a test message now, by every channel or by these",
    async () => (await import("../commands/notify.ts")).testChannels,
  );
  const config = prepared(program.command("config")).description("the configuration");
  add(
    config,
    "check",
    "everything that is wrong with the configuration",
    async () => (await import("../commands/config.ts")).checkConfig,
  );
  add(
    program,
    "doctor",
    "see whether everything that the watch needs is there",
    async () => (await import("../commands/doctor.ts")).doctor,
  ).option("--model", "ask each model for one token too, and say what that cost");
}

export function addBeginnings(program: Command, add: AddCommand): void {
  const auth = prepared(program.command("auth")).description(
    "logins that a password does not give",
  );
  add(
    auth,
    "google",
    "a login for the calendars at Google: you say yes in the browser",
    async () => (await import("../commands/auth.ts")).authGoogle,
  ).option("--source <name>", "for this calendar alone (default: all that are at Google)");
  addInitOptions(
    add(
      program,
      "init",
      "ask what you have, and write a commented configuration; nothing is overwritten",
      async () => (await import("../commands/init.ts")).init,
    ),
  );
  add(
    program,
    "demo",
    "keep watch over a small world of its own, no account needed",
    async () => (await import("../commands/demo.ts")).demo,
  ).option("--dir <dir>", "where the small world is kept (default: a temporary folder)");
}
