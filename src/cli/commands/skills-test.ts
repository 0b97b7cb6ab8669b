import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { offerPublicApi } from "../../config/user-module.ts";
import { ConfigError } from "../../domain/errors.ts";
import { formatDuration } from "../../domain/duration.ts";
import { exit, type CommandContext } from "../context.ts";
import { painterFor, paintState, plural, quoted, severityStyle, wrap, wrapLines } from "../text.ts";
import { effectWords } from "../tools.ts";
import { readRecording, writeRecording, type RecordedLook } from "../trial/recording.ts";
import { tryOut, type Trial, type TrialLook } from "../trial/trial.ts";

/** Tries one skill out: its own tests, its checks in a dry run, and what the model would be shown. */
export async function testSkill(
  context: CommandContext,
  name: string,
  options: { record?: string; input?: string; cursor?: string },
): Promise<number> {
  const { record, input } = options;
  if (record !== undefined && input !== undefined) {
    throw new ConfigError("RECORD_AND_INPUT", "--record and --input cannot be given together", {
      hint: "Record live looks first, then replay them with --input",
    });
  }
  offerPublicApi(context.packageInfo.root);
  const cursor = options.cursor === undefined ? undefined : parseCursor(options.cursor);
  const recording = input === undefined ? null : readRecording(resolve(input));
  const trial = await tryOut(name, context, { recording, cursor });
  const recordedIn = record === undefined ? null : await addTo(resolve(record), trial);
  const ok = isOk(trial);
  if (context.json) {
    context.out.write(`${JSON.stringify(viewOf(trial, { ok, recordedIn }), null, 2)}\n`);
  } else context.out.write(render(trial, { ok, recordedIn }, context));
  return ok ? exit.done : exit.failed;
}

function parseCursor(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("CURSOR_NOT_JSON", "--cursor is not JSON", {
      cause,
      hint: `Write it in single quotes, such as '{"last": 12}' or '"2026-11-01"'`,
    });
  }
}

const isOk = ({ error, tests, looks }: Trial): boolean =>
  error === null && tests?.ok !== false && looks.every(({ outcome }) => outcome === "ok");

/** Looks that are recorded into the same file make a sequence. */
async function addTo(file: string, { name, made }: Trial): Promise<string> {
  const before: readonly RecordedLook[] = existsSync(file) ? readRecording(file).looks : [];
  writeRecording(file, { skill: name, looks: [...before, ...made] });
  return file;
}

interface Outcome {
  readonly ok: boolean;
  readonly recordedIn: string | null;
}

function viewOf(trial: Trial, { ok, recordedIn }: Outcome) {
  const { skill, name, enabled, error, tests, looks, shown } = trial;
  return {
    skill: name,
    origin: skill?.origin ?? null,
    version: skill?.version ?? null,
    ...{ enabled, ok, error, notes: skill?.notes ?? [], tests },
    tools: (skill?.tools ?? []).map((tool) => ({ name: tool.name, effect: effectWords(tool) })),
    looks: looks.map(({ name: check, at, accepted, ...look }) => ({
      check,
      at: new Date(at).toISOString(),
      recorded: look.recorded,
      outcome: look.outcome,
      durationMs: look.durationMs,
      error: look.error,
      notes: look.notes,
      observations: accepted?.observations ?? [],
      cursor: accepted?.cursor ?? null,
      findings: look.findings.map(({ key, state, severity, title, wouldBe, why }) => ({
        ...{ key, state, severity, title, wouldBe, why },
      })),
    })),
    shown,
    recordedIn,
  };
}

function render(trial: Trial, { ok, recordedIn }: Outcome, context: CommandContext): string {
  const { out, environment } = context;
  const paint = painterFor(out, environment);
  const { skill, name, enabled, error } = trial;
  const lines: string[] = [];
  const say = (text = "") => lines.push(text && wrap(text, out.columns, "    "));
  say(`${paint("bold", name)}${skill?.version ? ` ${skill.version}` : ""}`);
  if (!enabled) say("  not in agent.config.ts yet: tried out with an empty configuration");
  for (const note of skill?.notes ?? []) say(`  note: SKILL.md: ${quoted(note)}`);
  if (error) say(`  ${paint("red", "cannot be used")}: ${quoted(error)}`);
  for (const tool of skill?.tools ?? []) say(`  tool ${tool.name} (${effectWords(tool)})`);
  if (skill) lines.push(...testLines(trial, context));
  for (const look of trial.looks) lines.push("", ...lookLines(look, context));
  if (skill && skill.checks.length === 0) {
    say();
    say("No checks: it adds instructions and tools to what is found by others.");
  }
  if (skill) lines.push("", ...shownLines(trial, context));
  if (recordedIn) {
    say();
    say(`Recorded in ${recordedIn}. It may hold private text; replay it with --input.`);
  }
  say();
  say(ok ? paint("green", "ok") : paint("red", "failed"));
  return `${lines.join("\n")}\n`;
}

function testLines({ tests }: Trial, { out, environment }: CommandContext): string[] {
  const paint = painterFor(out, environment);
  if (!tests) return ["", "No tests of its own (a file such as index.test.ts)."];
  const { files, ok, passed, failed, output } = tests;
  const count = `${passed} passed, ${failed} failed`;
  const head = `Its own tests (${files.join(", ")}): ${ok ? paint("green", count) : paint("red", count)}`;
  return [
    "",
    wrap(head, out.columns, "    "),
    ...(ok ? [] : [wrapLines(output, out.columns, "    ")]),
  ];
}

function lookLines(look: TrialLook, { out, environment }: CommandContext): string[] {
  const paint = painterFor(out, environment);
  const lines: string[] = [];
  const say = (text: string) => lines.push(wrap(text, out.columns, "      "));
  const { name, outcome, durationMs, error, notes, accepted, findings, recorded, at } = look;
  const shown = outcome === "ok" ? paint("green", "ok") : paint("red", outcome);
  const when = recorded ? `, as of ${new Date(at).toISOString()}` : "";
  say(`${paint("bold", name)}: ${shown} in ${formatDuration(durationMs)}${when}`);
  for (const line of [error ?? "", ...notes]) if (line) say(`  ${quoted(line)}`);
  if (!accepted) return lines;
  const { observations, gone, complete, cursor } = accepted;
  say(`  saw ${plural(observations.length, "observation")}${complete ? ", all there is" : ""}`);
  for (const { key, severity, trust, title } of observations.slice(0, most)) {
    const painted = paint(severityStyle[severity], severity);
    say(`    ${painted} ${quoted(key)}: ${quoted(title)} (${trust})`);
  }
  if (observations.length > most) say(`    and ${observations.length - most} more`);
  if (gone.length > 0) say(`  over: ${gone.slice(0, most).map(quoted).join(", ")}`);
  if (cursor !== undefined) say(`  next cursor: ${quoted(JSON.stringify(cursor))}`);
  say(findings.length === 0 ? "  nothing new would be found" : "  would be found:");
  for (const { severity, state, title, wouldBe, why } of findings.slice(0, most)) {
    const text = `    ${severity} ${state}: ${quoted(title)}: ${wouldBe} (${why})`;
    lines.push(paintState(wrap(text, out.columns, "      "), { severity, state }, paint));
  }
  if (findings.length > most) say(`    and ${findings.length - most} more`);
  return lines;
}

/** Lists that are longer say no more to a person; --json has them whole. */
const most = 20;

function shownLines({ shown, looks }: Trial, { out }: CommandContext): string[] {
  const prefix = `In every run, about ${plural(shown.prefixTokens, "token")} for its instructions and tools.`;
  if (looks.length === 0) return [wrap(prefix, out.columns)];
  const found = !shown.text
    ? "The model would be shown nothing of these looks."
    : `The model would be shown about ${plural(shown.tokens, "token")}${shown.wakes ? "" : ", with the next run that something else wakes"}:`;
  return [
    wrap(prefix, out.columns),
    wrap(found, out.columns),
    ...(shown.text ? ["", wrapLines(indented(shown.text), out.columns, "  ")] : []),
  ];
}

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => (line ? `  ${line}` : ""))
    .join("\n");
