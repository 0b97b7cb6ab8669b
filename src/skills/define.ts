import type { z } from "zod";
import type { Severity, Trust } from "../domain/finding.ts";
import type { ToolEffect } from "../domain/policy.ts";
import type { ReplyAddress } from "../domain/reply-address.ts";
import type { NotificationMail } from "./notification-mail.ts";

/**
 * The whole surface that a skill is written against. A skill is a folder with `SKILL.md`
 * (instructions for the agent) and, when it has checks or tools, an `index.ts` whose default
 * export is made by {@link defineSkill}.
 */

/** Where a skill writes what a person who looks for a fault wants to know. Never secrets. */
export interface SkillLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** What a skill is given when it is loaded: its own config and nothing of any other skill's. */
export interface SkillContext<Config> {
  /** The skill's part of `agent.config.ts`, validated by its `config` schema. */
  readonly config: Config;
  /** The owner's IANA time zone, such as `Europe/Berlin`. */
  readonly timezone: string;
  /** The folder of `agent.config.ts`; relative paths in `config` start there. */
  readonly baseDir: string;
  /** A folder of the skill's own in the state directory, for what does not fit a cursor. Not made yet. */
  readonly stateDir: string;
  /**
   * Asks for an early look of one of the skill's own checks, by its short name. Calls are taken together, and a
   * check looks early at most every ten seconds. Does nothing where no daemon keeps watch.
   */
  readonly wake: (check: string) => void;
  /** For skills that read mail: what the daemon itself sent, and the owner's replies to it. */
  readonly notificationMail: NotificationMail;
  readonly log: SkillLog;
}

/** One thing that a check saw. */
export interface ObservationInput {
  /** Names the thing within its check, at most 500 characters: the same key is the same thing. */
  key: string;
  severity: Severity;
  /** One line for the owner, at most 300 characters. */
  title: string;
  /** Plain text for the owner and the agent; cut at 20,000 characters. */
  text?: string;
  /** JSON for your own tools and for queries; at most 64 KB; the agent does not see it. */
  data?: unknown;
  /** `untrusted` unless said: only your own measurements and the owner's words are trusted. */
  trust?: Trust;
  /** A new fingerprint under a known key makes the finding changed. Default: a hash of severity, title, text and data. */
  fingerprint?: string;
  /** When the thing is over by itself: it is then resolved without a word. */
  closesAt?: Date;
  /** When the thing began, if that was before this look. */
  since?: Date;
}

export interface ObserveInput {
  /** What the last look returned as `cursor`, or null at the first. */
  readonly cursor: unknown;
  /** Aborted at the check's timeout and when the daemon stops. */
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly log: SkillLog;
  /** The last push received under each name that the skill's `pushes` declare. */
  readonly pushes: ReadonlyMap<string, Push>;
  /**
   * Calls a `read` tool of any enabled skill by its full name, such as `inbox_search`.
   * @returns what the tool returned; untrusted unless you know better
   * @throws ToolError when there is no such tool, it does more than read, or it failed
   */
  callTool(name: string, input: unknown): Promise<unknown>;
}

/** A word from outside that came to `POST /push/NAME`. */
export interface Push {
  readonly at: Date;
  /** False when the sender says that it failed. */
  readonly ok: boolean;
  /** The sender's words, plain, at most 2,000 characters. */
  readonly text: string;
}

/** A name under which the daemon takes pushes for a skill. */
export interface PushDefinition {
  /** The check, by its short name, that looks when a push has come. */
  check: string;
  /** The bearer key that the sender must show. Default: one that `watchkeeper web token --push NAME` prints. */
  key?: string;
}

/**
 * What the owner's own rules say is to be done about what was seen, without a model. It is planned in the same
 * transaction as the look, then carried out and journalled as an effect. Never a `destroy`.
 */
export interface RuleAction {
  /** Names the occasion within the check, at most 200 characters: what has the same key is done once, ever. */
  key: string;
  /** A tool of the same skill, by its short name, such as `archive`. */
  tool: string;
  /** What the tool's `input` schema takes. */
  input: unknown;
  /** At most so many by this check and tool within an hour; what is above is not done, and said in the receipt. */
  maxPerHour?: number;
}

export interface ObserveResult {
  observations: ObservationInput[];
  /** The check's own bookmark, any JSON up to 1 MB; saved together with what was found. Omit to keep the last. */
  cursor?: unknown;
  /** Say true when `observations` is all there is: what is missing from it is resolved. */
  complete?: true;
  /** Keys that are over. */
  gone?: string[];
  /** Lines for the beat's receipt: what was left alone, what could not be read. */
  notes?: string[];
  actions?: RuleAction[];
}

export interface CheckDefinition {
  /** Interval such as `30m`. Default: `heartbeat.every`. */
  every?: string;
  /** A cron expression in the owner's zone instead of an interval. */
  cron?: string;
  /** How long one look may take, such as `20s`. Default 30s. */
  timeout?: string;
  /**
   * Looks once. Throw when the look failed: nothing is resolved, the cursor stays, and the check
   * is tried again later and ever more rarely.
   */
  observe(input: ObserveInput): Promise<ObserveResult>;
}

export type { ToolEffect };

export interface ToolRunContext {
  readonly signal: AbortSignal;
  /** The same for every attempt at the same call: give it to the server where it knows such keys. */
  readonly idempotencyKey: string;
  /** Of the input: `untrusted` when whoever wrote it had read what a stranger could have written. */
  readonly trust: Trust;
  /** The run that calls, or null when it is the owner's word or a rule. */
  readonly runId: number | null;
  readonly now: Date;
  readonly log: SkillLog;
  /** For `read` tools: what a check of this skill last returned as `cursor`; null when it never looked. */
  readonly cursorOf?: (check: string) => Promise<unknown>;
}

export interface ToolDefinition<Input = unknown, Result = unknown> {
  /** For the agent: what it does, when to use it, what comes back. */
  description: string;
  effect: ToolEffect | ((input: Input) => ToolEffect);
  /** A zod object; what the agent sends is validated by it before `run` sees it. */
  input: z.ZodType<Input>;
  /** How long one call may take, such as `20s`. Default 30s. */
  timeout?: string;
  /** Trust of what `run` returns, or a function that tells it from the result. Default `untrusted`. */
  trust?: Trust | ((result: Result) => Trust);
  /** @returns JSON or text for the agent; cut at 20,000 characters. Throw `ToolError` with a hint on failure. */
  run(input: Input, context: ToolRunContext): Promise<Result>;
  /** Takes a `write` back, given what `run` returned. */
  undo?(result: Result): Promise<void>;
  /** True when calling it twice with the same key does no more than calling it once. */
  idempotent?: true;
  /**
   * Finds out whether a call whose outcome is unknown was done, by looking into the world.
   * @returns the result when it was; `"not-done"` when it certainly was not; undefined when nobody can tell
   */
  reconcile?(
    input: Input,
    context: ToolRunContext,
  ): Promise<{ result: Result } | "not-done" | undefined>;
  /** Says what is wrong when the effect is not there after `run` returned; undefined when it is. */
  verify?(result: Result, context: ToolRunContext): Promise<string | undefined>;
  /**
   * Facts about what the call is about, looked up by the tool's own code, for grants to match:
   * `{ from: "a@example.com" }`. Only what a stranger could not have made up.
   */
  subject?(input: Input, context: ToolRunContext): Promise<Record<string, string>>;
  /** A write that hides nothing, reaches nobody and can be undone: allowed even after untrusted text. */
  harmless?: true;
}

/** A tool whose types are hidden: what a skill's `tools` record holds. Made by {@link defineTool}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- variance: a record of tools with different inputs
export type AnyTool = ToolDefinition<any, any>;

export interface SkillDefinition<Config = unknown> {
  /** A zod object for the skill's part of the config. Unknown keys are errors. */
  config?: z.ZodType<Config>;
  checks?(context: SkillContext<Config>): Record<string, CheckDefinition>;
  tools?(context: SkillContext<Config>): Record<string, AnyTool>;
  /** Names accepted at `POST /push/NAME`: other jobs report there that they are alive. */
  pushes?(context: SkillContext<Config>): Record<string, PushDefinition>;
  /**
   * For a skill that gives mail to `notificationMail.takeAnswer`: the addresses at which it sees replies, also those at
   * which they would not count, with what is to be mended. By these the daemon knows whether to ask for replies.
   */
  repliesAt?(context: SkillContext<Config>): readonly ReplyAddress[];
  /**
   * Work beside the checks for as long as a daemon keeps watch, such as an idle connection that hears of news; not
   * for single commands. When it throws it is begun again, after ever longer waits; when it returns it is over.
   */
  background?(context: SkillContext<Config> & { readonly signal: AbortSignal }): Promise<void>;
  /** Lets go of connections when the daemon stops. */
  close?(): Promise<void>;
}

/**
 * Declares a skill. Nothing runs until the daemon has loaded it.
 * @example
 * export default defineSkill({
 *   config: z.strictObject({ folder: z.string() }),
 *   checks: ({ config }) => ({ queue: { every: "30m", async observe() { … } } }),
 * });
 */
export function defineSkill<Config>(definition: SkillDefinition<Config>): SkillDefinition<Config> {
  return definition;
}

/** Declares a tool, with the type of `run`'s input taken from the `input` schema. */
export function defineTool<Schema extends z.ZodType, Result>(
  definition: Omit<ToolDefinition<z.output<Schema>, Result>, "input"> & { input: Schema },
): AnyTool {
  return definition;
}
