import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AnyTool,
  NotificationMail,
  ObservationInput,
  ObserveResult,
  SkillLog,
} from "watchkeeper";
import { skillContext } from "watchkeeper/testing";
import inbox from "./index.ts";

/** What the tests of this skill share: the skill as the daemon would load it, and mail to give it. */

const log: SkillLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };

export interface FixtureOptions {
  readonly wake?: (check: string) => void;
  readonly notificationMail?: NotificationMail;
}

/** What the daemon gives the skill. */
export function contextFor(config: unknown, baseDir = "/", options: FixtureOptions = {}) {
  const parsed = inbox.config?.parse(config);
  if (parsed === undefined) throw new Error("the skill has no config schema");
  const stateDir = join(baseDir, "state", "skills", "inbox");
  const timezone = "Europe/Berlin";
  return skillContext(parsed, { timezone, baseDir, stateDir, log, ...options });
}

/** The skill with its config validated, as the daemon loads it. */
export function loadInbox(config: unknown, baseDir = "/", options: FixtureOptions = {}) {
  const context = contextFor(config, baseDir, options);
  const checks = inbox.checks?.(context) ?? {};
  const tools = inbox.tools?.(context) ?? {};
  return {
    checks,
    tool: (name: string) => openTool(tools, name),
    readMail: async (input: { id: string; account?: string }) =>
      String(await openTool(tools, "read").run(input)),
  };
}

/** A tool as the daemon calls it: input validated, results through JSON as the journal keeps them. */
function openTool(tools: Readonly<Record<string, AnyTool>>, name: string) {
  const tool = tools[name];
  if (tool === undefined) throw new Error(`the skill has no tool ${name}`);
  const contextWith = (options: { signal?: AbortSignal; key?: string; now?: Date }) => ({
    signal: options.signal ?? AbortSignal.timeout(30_000),
    idempotencyKey: options.key ?? "k",
    trust: "trusted" as const,
    runId: null,
    now: options.now ?? new Date(),
    log,
  });
  const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  type Options = Parameters<typeof contextWith>[0];
  return {
    definition: tool,
    run: async (input: object, options: Options = {}): Promise<unknown> => {
      const result: unknown = await tool.run(tool.input.parse(input), contextWith(options));
      return throughJson(result);
    },
    undo: async (result: unknown): Promise<void> => tool.undo?.(result),
    reconcile: async (input: object, options: Options = {}) =>
      tool.reconcile?.(tool.input.parse(input), contextWith(options)),
    facts: async (input: object) => tool.subject?.(tool.input.parse(input), contextWith({})),
  };
}

/**
 * One account's check, keeping its cursor from look to look as the store would, through JSON, and
 * diffing what it sees by key and fingerprint.
 */
export class Watch {
  readonly known = new Map<string, string>();
  readonly #check;
  cursor: string | null = null;

  constructor(
    config: unknown,
    {
      baseDir = "/",
      account = "work",
      ...options
    }: FixtureOptions & { readonly baseDir?: string; readonly account?: string } = {},
  ) {
    const check = loadInbox(config, baseDir, options).checks[account];
    if (check === undefined) throw new Error(`no check named ${account}`);
    this.#check = check;
  }

  async look(now = new Date(), signal: AbortSignal = AbortSignal.timeout(60_000)) {
    const cursor: unknown = this.cursor === null ? null : JSON.parse(this.cursor);
    const callTool = () => Promise.reject(new Error("there are no tools of other skills"));
    const input = { cursor, now, signal, log, pushes: new Map(), callTool };
    const result: ObserveResult = await this.#check.observe(input);
    if (result.cursor !== undefined) this.cursor = JSON.stringify(result.cursor);
    const opened: ObservationInput[] = [];
    const changed: ObservationInput[] = [];
    for (const observation of result.observations) {
      const before = this.known.get(observation.key);
      if (before === undefined) opened.push(observation);
      else if (before !== observation.fingerprint) changed.push(observation);
      this.known.set(observation.key, observation.fingerprint ?? "");
    }
    const { observations, notes = [], actions = [], gone = [] } = result;
    for (const key of gone) this.known.delete(key);
    return { observations, opened, changed, notes, actions, gone };
  }
}

export interface MailOptions {
  from?: string;
  to?: string;
  subject?: string;
  id?: string | null;
  date?: string;
  headers?: string[];
  body?: string;
}

/** A message as a mail server stores it. */
export function mail(options: MailOptions = {}): string {
  const {
    from = "Anna Berg <anna@example.com>",
    to = "me@example.com",
    subject = "Lunch",
    body = "Shall we?",
  } = options;
  const { id = "m1@example.com", date = "Mon, 23 Nov 2026 10:00:00 +0100", headers = [] } = options;
  const lines = [`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, `Date: ${date}`, ...headers];
  if (id !== null) lines.push(`Message-ID: <${id}>`);
  return `${lines.join("\n")}\n\n${body}\n`;
}

/** A Maildir in a temporary folder. */
export async function makeMaildir() {
  const baseDir = await mkdtemp(join(tmpdir(), "watchkeeper-inbox-"));
  const maildir = join(baseDir, "mail");
  for (const folder of ["new", "cur", "tmp"])
    await mkdir(join(maildir, folder), { recursive: true });
  return {
    baseDir,
    maildir,
    async add(
      name: string,
      raw: string | Uint8Array,
      { folder = "new", arrivedAt = new Date() } = {},
    ) {
      const path = join(maildir, folder, name);
      await writeFile(path, raw);
      await utimes(path, arrivedAt, arrivedAt);
      return path;
    },
    remove: () => rm(baseDir, { recursive: true, force: true }),
  };
}
