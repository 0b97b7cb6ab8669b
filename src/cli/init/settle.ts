import { noAnswers, type Answers } from "./answers.ts";
import { notFinished, type Asker } from "./asker.ts";
import type { MailNames } from "./mail-servers.ts";
import type { Trial } from "./trial.ts";

/** What asking needs. */
export interface Interview {
  readonly asker: Asker;
  readonly trial: Trial;
  readonly names: MailNames;
  /** Where relative paths start. */
  readonly baseDir: string;
}

/**
 * Asks for one thing, tries it out, and asks again for as long as the person wants it otherwise.
 * @param ask is given what was answered before
 * @returns undefined when it is left out
 */
export async function settle<Answer>(
  { asker, trial }: Interview,
  ask: (before: Answer | undefined) => Promise<Answer>,
  asAnswers: (answer: Answer) => Partial<Answers>,
): Promise<Answer | undefined> {
  let answer: Answer | undefined;
  for (;;) {
    answer = await ask(answer);
    const answers = { ...noAnswers, ...asAnswers(answer) };
    const problems = await trial.problems(answers);
    for (const message of problems) asker.tell({ ok: false, message });
    if (problems.length > 0) {
      if (await asker.yes("Answer again? No leaves it out")) continue;
      return undefined;
    }
    if (await stands(answers, { asker, trial })) return answer;
    const next = await asker.choose("What now?", {
      again: "Answer again",
      keep: ["Keep it anyway", "it may be right, and only away at the moment"],
      leave: "Leave it out",
    });
    if (next !== "again") return next === "keep" ? answer : undefined;
  }
}

async function stands(answers: Answers, { asker, trial }: Pick<Interview, "asker" | "trial">) {
  asker.say("Trying it out …");
  const verdicts = await untilInterrupted((signal) => trial.verdicts(answers, signal));
  for (const verdict of verdicts) asker.tell(verdict);
  return verdicts.every(({ ok }) => ok);
}

/** Between questions nobody reads the keys: there Ctrl-C is a signal. @throws notFinished after it */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.on("SIGINT", onInterrupt);
  try {
    const result = await work(interrupt.signal);
    if (interrupt.signal.aborted) throw notFinished();
    return result;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}
