import type { Option } from "@clack/prompts";
import { WatchkeeperError } from "../../domain/errors.ts";
import type { Verdict } from "./trial.ts";

/** Puts questions to a person. Whatever they answer with Ctrl-C or Ctrl-D ends it: {@link notFinished}. */
export interface Asker {
  begin(words: string): void;
  say(words: string): void;
  tell(verdict: Verdict): void;
  text(question: TextQuestion): Promise<string>;
  /** What is typed is not shown. */
  secret(question: Pick<TextQuestion, "message" | "problem">): Promise<string>;
  yes(message: string, otherwise?: "no"): Promise<boolean>;
  choose<Value extends string>(message: string, choices: Choices<Value>): Promise<Value>;
  /** Any number of them, also none. */
  chooseSeveral<Value extends string>(message: string, choices: Choices<Value>): Promise<Value[]>;
}

export interface TextQuestion {
  readonly message: string;
  /** What stands there already. */
  readonly initial?: string | undefined;
  /** Shown where nothing stands yet. */
  readonly example?: string | undefined;
  /** Why it cannot be that; undefined when it can. */
  readonly problem?: ((text: string) => string | undefined) | undefined;
}

/** Value → how it is shown, and what there is to say of it. */
export type Choices<Value extends string> = Readonly<
  Record<Value, string | readonly [string, string]>
>;

export const notFinished = (): WatchkeeperError =>
  new WatchkeeperError("INIT_NOT_FINISHED", "stopped; nothing was written", {
    hint: "Call `watchkeeper init` again whenever you like",
  });

/** At the terminal of this process. */
export async function terminalAsker(): Promise<Asker> {
  const clack = await import("@clack/prompts");

  async function answered<Value>(
    ask: (stop: { signal: AbortSignal }) => Promise<Value>,
  ): Promise<Exclude<Value, symbol>> {
    const stop = new AbortController();
    // After Ctrl-D nobody reads the keys: the process would run dry, and end as if all were well.
    const onDry = () => void setImmediate(() => stop.abort());
    process.once("beforeExit", onDry);
    try {
      const value = await ask({ signal: stop.signal });
      if (clack.isCancel(value)) throw notFinished();
      return value as Exclude<Value, symbol>;
    } finally {
      process.off("beforeExit", onDry);
    }
  }
  const optionsOf = <Value extends string>(choices: Choices<Value>) =>
    (Object.entries(choices) as [Value, string | readonly [string, string]][]).map(
      ([value, shown]) => {
        const [label, hint] = [shown].flat();
        return { value, label, hint } as Option<Value>;
      },
    );
  return {
    begin: (words) => clack.intro(words),
    say: (words) => clack.log.message(words),
    tell: ({ ok, message }) => (ok ? clack.log.success(message) : clack.log.error(message)),
    text: async ({ message, initial, example, problem }) => {
      const text = await answered((stop) =>
        clack.text({
          ...stop,
          message,
          ...(initial !== undefined && { initialValue: initial }),
          ...(example !== undefined && { placeholder: example }),
          validate: (value = "") => problem?.(value.trim()),
        }),
      );
      return text.trim();
    },
    secret: async ({ message, problem }) =>
      answered((stop) =>
        clack.password({ ...stop, message, validate: (value = "") => problem?.(value) }),
      ),
    yes: async (message, otherwise) =>
      answered((stop) => clack.confirm({ ...stop, message, initialValue: otherwise !== "no" })),
    choose: async (message, choices) =>
      answered((stop) => clack.select({ ...stop, message, options: optionsOf(choices) })),
    chooseSeveral: async (message, choices) =>
      answered((stop) =>
        clack.multiselect({ ...stop, message, options: optionsOf(choices), required: false }),
      ),
  };
}
