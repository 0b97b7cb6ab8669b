import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { exit, type CommandContext } from "../context.ts";
import type { Answers } from "../init/answers.ts";
import { terminalAsker } from "../init/asker.ts";
import { answersFrom } from "../init/from-options.ts";
import { secretSource } from "../init/given-secret.ts";
import { hasAnswers } from "../init/loose-options.ts";
import { systemNames } from "../init/mail-servers.ts";
import type { InitOptions } from "../init/options.ts";
import { places, type Places } from "../init/places.ts";
import { askAll } from "../init/questions.ts";
import { untilInterrupted } from "../init/settle.ts";
import { planSetup } from "../init/setup.ts";
import { openTrial, type Trial } from "../init/trial.ts";
import { writeSetup, type Written } from "../init/write-setup.ts";
import { nextCall } from "../next-call.ts";
import { wrap } from "../text.ts";

/**
 * Writes a commented configuration to start from: of what it is told on the command line, of what it
 * asks at a terminal, or of examples. Files that exist are left alone.
 */
export async function init(context: CommandContext, options: InitOptions): Promise<number> {
  const found = places(context);
  const answers = await answersOf(context, options, found);
  const setup = answers && planSetup(answers, found.known);
  const done = writeSetup(found, setup);
  print(context, done, answers);
  return exit.done;
}

/** @returns undefined where nobody is asked */
async function answersOf(
  context: CommandContext,
  options: InitOptions,
  found: Places,
): Promise<Answers | undefined> {
  const { environment, configFile, json, out } = context;
  const told = hasAnswers(options);
  const asks = !told && !options.template && !json && out.isTTY && process.stdin.isTTY;
  if (!told && (!asks || found.hasConfig)) return undefined;
  if (found.hasConfig) {
    throw new WatchkeeperError(
      "INIT_CONFIG_EXISTS",
      `${configFile} is there already, and stays as it is`,
      {
        hint: "Change it yourself, or name another with --config",
      },
    );
  }
  found.refuseUnfit();
  const trial = openTrial(context, found.known);
  const names = systemNames();
  if (!told) {
    const asker = await terminalAsker();
    const interview = { asker, trial, names, baseDir: dirname(configFile) };
    return askAll(interview, found.known, [shown(configFile), shown(found.dotEnvFile)]);
  }
  const secrets = secretSource({ ...found.known.dotEnv, ...environment }, () =>
    readFileSync(0, "utf8"),
  );
  const answers = await answersFrom(options, { secrets, names });
  await refuseWrong(answers, options, { context, trial });
  return answers;
}

/** @throws ConfigError for answers that no configuration takes, WatchkeeperError for servers that do not */
async function refuseWrong(
  answers: Answers,
  { check }: InitOptions,
  { context, trial }: { readonly context: CommandContext; readonly trial: Trial },
): Promise<void> {
  const problems = await trial.problems(answers);
  if (problems.length > 0) {
    throw new ConfigError("INIT_ANSWERS_INVALID", `that cannot be used: ${problems.join("; ")}`);
  }
  if (!check) return;
  const verdicts = await untilInterrupted((signal) => trial.verdicts(answers, signal));
  for (const { ok, message } of verdicts) {
    const line = `${ok ? "ok  " : "fail"}  ${message}`;
    (context.json ? context.err : context.out).write(
      `${wrap(line, context.out.columns, "      ")}\n`,
    );
  }
  if (verdicts.every(({ ok }) => ok)) return;
  throw new WatchkeeperError(
    "INIT_CHECK_FAILED",
    "not everything answers as it should; nothing was written",
    {
      hint: "Correct it, or write it all the same with --no-check",
    },
  );
}

const shown = (path: string): string => relative(process.cwd(), path) || path;

function print(
  context: CommandContext,
  done: readonly Written[],
  answers: Answers | undefined,
): void {
  const { out, json } = context;
  if (json) {
    out.write(`${JSON.stringify(done, null, 2)}\n`);
    return;
  }
  for (const { path, written, added } of done) {
    if (added) out.write(`added ${added.join(", ")} to ${shown(path)}\n`);
    else out.write(written ? `wrote ${shown(path)}\n` : `left ${shown(path)} as it is\n`);
  }
  const call = (words: string) => nextCall(context, words);
  const steps = [
    ...(answers === undefined
      ? ["Name your mail, calendar and services in the configuration, and put secrets into .env"]
      : []),
    ...(answers?.calendars.some(({ kind }) => kind === "google") ? [call("auth google")] : []),
    ...[call("config check"), call("doctor"), call("start")],
  ];
  out.write(`\nNext:\n${steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("")}`);
}
