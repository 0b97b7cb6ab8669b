import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { buildPrompt, fence, fittingFindings } from "../../agent/prompt.ts";
import { resolveConfig, type ResolvedConfig } from "../../config/load.ts";
import { systemClock, type Clock } from "../../domain/clock.ts";
import { ConfigError } from "../../domain/errors.ts";
import { atLeast, type Finding } from "../../domain/finding.ts";
import { afterSuccess } from "../../domain/health.ts";
import { describeSchedule } from "../../domain/schedule.ts";
import { createScrub } from "../../domain/scrub.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { estimateTokens } from "../../model/rate-limit.ts";
import { attentionSettings } from "../../notify/attention-settings.ts";
import {
  loadSkills,
  silentSkillLog,
  toolsOf,
  type LoadedCheck,
  type LoadedSkill,
} from "../../skills/load.ts";
import { openStore, type StoreReader } from "../../store/index.ts";
import { loadConfigFor, readStore, type CommandContext } from "../context.ts";
import { resolveNames } from "../../skills/names.ts";
import { runOwnTests, type TestOutcome } from "./own-tests.ts";
import { inPlaceOfFetch, recordingFetch, replayingFetch } from "./recorded-fetch.ts";
import type { RecordedLook, Recording } from "./recording.ts";

/** One skill, tried out by itself: its own tests, its looks, and what the model would be shown of them. */

export interface TrialOptions {
  /** Looks are taken from it, in its order, in the place of live ones. */
  readonly recording: Recording | null;
  /** What the first look of each check goes on from; undefined for what is saved. */
  readonly cursor: unknown;
}

export interface TrialLook extends DryLook {
  readonly at: number;
  readonly recorded: boolean;
}

export interface Trial {
  readonly skill: LoadedSkill | null;
  readonly name: string;
  /** Whether `agent.config.ts` names it. */
  readonly enabled: boolean;
  /** Why it cannot be used. */
  readonly error: string | null;
  readonly tests: TestOutcome | null;
  readonly looks: readonly TrialLook[];
  readonly shown: ShownToModel;
  /** The looks with what servers answered, for a recording. */
  readonly made: readonly RecordedLook[];
}

export interface ShownToModel {
  /** False when no run would be woken for it. */
  readonly wakes: boolean;
  readonly text: string;
  readonly tokens: number;
  /** What the skill's instructions and tools add to every run. */
  readonly prefixTokens: number;
}

/** @throws ConfigError when there is no such skill, or its config does not fit. */
export async function tryOut(
  name: string,
  context: CommandContext,
  options: TrialOptions,
): Promise<Trial> {
  const { configFile: file, environment, packageInfo } = context;
  const config = existsSync(file)
    ? await loadConfigFor(context)
    : resolveConfig({}, { file, environment });
  const { key, settings, enabled } = chooseSkill(name, config);
  const { skills, broken } = await loadSkills(
    { ...config, skills: new Map([[key, settings]]) },
    {
      builtinSkillsDir: packageInfo.builtinSkillsDir,
      stateDir: context.stateDir,
      logFor: silentSkillLog,
    },
  );
  const skill = skills[0] ?? null;
  const nothing = { made: [], looks: [], tests: null, shown: shownOf([], skill) };
  const base = { name: basename(key), enabled, skill, error: broken[0]?.error ?? null };
  if (!skill) return { ...base, ...nothing };
  try {
    const tests = await runOwnTests(skill.dir, { packageRoot: packageInfo.root, environment });
    const { looks, made } = options.recording
      ? await replay(skill, options.recording, { config, context, cursor: options.cursor })
      : await lookLive(skill, { config, context, cursor: options.cursor });
    return { ...base, tests, looks, made, shown: shownOf(looks, skill) };
  } finally {
    await skill.close();
  }
}

/** By its name or its key in the config; else a folder that no config names yet. */
function chooseSkill(name: string, { skills }: ResolvedConfig) {
  const entry = [...skills].find(([key]) => key === name || basename(key) === basename(name));
  return entry
    ? { key: entry[0], settings: entry[1], enabled: true }
    : { key: name, settings: undefined, enabled: false };
}

interface LookPlace {
  readonly config: ResolvedConfig;
  readonly context: CommandContext;
  readonly cursor: unknown;
}

async function lookLive(skill: LoadedSkill, { config, context, cursor }: LookPlace) {
  await using store = readStore(context);
  const looks: TrialLook[] = [];
  const made: RecordedLook[] = [];
  const scrub = createScrub(config.secrets);
  // One after the other, so that each answer belongs to one look.
  for (const check of skill.checks) {
    const from = cursor ?? (await store?.checkCursor(check.name)) ?? null;
    let at = systemClock.now();
    const watched: LoadedCheck = {
      ...check,
      observe(input) {
        at = input.now.getTime();
        return check.observe(input);
      },
    };
    const fetches: RecordedLook["fetches"] = [];
    using _ = inPlaceOfFetch(recordingFetch(fetches, scrub));
    const look = await lookOnce(watched, { skill, config, store, clock: systemClock, from });
    looks.push({ ...look, at, recorded: false });
    made.push({ check: check.name, now: new Date(at).toISOString(), cursor: from, fetches });
  }
  return { looks, made };
}

/**
 * The looks of a recording, compared with a store of their own that begins empty: the same recording
 * gives the same findings wherever it is replayed.
 */
async function replay(
  skill: LoadedSkill,
  recording: Recording,
  { config, context, cursor }: LookPlace,
) {
  const scrub = createScrub(config.secrets);
  const stateDir = await mkdtemp(join(tmpdir(), "watchkeeper-trial-"));
  try {
    const { migrationsDir } = context.packageInfo;
    await using store = openStore({ stateDir, migrationsDir });
    const registrations = skill.checks.map(({ name, schedule }) => ({
      ...{ name, skill: skill.name, schedule: describeSchedule(schedule) },
    }));
    await store.registerChecks(registrations, { at: 0, keepSkills: [] });
    const looks: TrialLook[] = [];
    const begun = new Set<string>();
    for (const recorded of recording.looks) {
      const check = findCheck(recorded.check, skill);
      const isFirst = !begun.has(check.name);
      begun.add(check.name);
      const from = isFirst
        ? (cursor ?? recorded.cursor ?? null)
        : ((await store.checkCursor(check.name)) ?? null);
      const at = recorded.now === undefined ? systemClock.now() : Date.parse(recorded.now);
      const clock: Clock = { ...systemClock, now: () => at };
      using _ = inPlaceOfFetch(replayingFetch(recorded.fetches, scrub));
      const look = await lookOnce(check, { skill, config, store, clock, from });
      looks.push({ ...look, at, recorded: true });
      if (!look.accepted) continue;
      const health = afterSuccess({ now: at, schedule: check.schedule, slackMs: 0 });
      const beatId = await store.beginBeat({ trigger: "manual", at });
      const result = { kind: "seen", ...look.accepted } as const;
      const { name, skill: skillName } = check;
      await store.commitLooks([
        { beatId, check: name, skill: skillName, at, health, result, blind: null },
      ]);
    }
    return { looks, made: recording.looks };
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

function findCheck(name: string, skill: LoadedSkill): LoadedCheck {
  const full = name.includes("/") ? name : `${skill.name}/${name}`;
  const [known] = resolveNames([full], skill.checks);
  const check = skill.checks.find((one) => one.name === known);
  if (check) return check;
  throw new ConfigError("CHECK_UNKNOWN", `there is no check or skill "${name}"`);
}

async function lookOnce(
  check: LoadedCheck,
  {
    skill,
    config,
    store,
    clock,
    from,
  }: {
    skill: LoadedSkill;
    config: ResolvedConfig;
    store: StoreReader | undefined;
    clock: Clock;
    from: unknown;
  },
): Promise<DryLook> {
  const [look] = await dryRun([check], {
    store,
    clock,
    attention: attentionSettings(config),
    scrub: createScrub(config.secrets),
    tools: toolsOf([skill]),
    cursors: new Map([[check.name, from]]),
  });
  if (!look) throw new Error(`${check.name} was not looked at`);
  return look;
}

function shownOf(looks: readonly TrialLook[], skill: LoadedSkill | null): ShownToModel {
  const news = looks.flatMap(({ at, findings }) => findings.map((finding) => ({ at, ...finding })));
  const findings = news
    .filter((finding) => finding.news)
    .map(({ at, check, key, state, severity, trust, title, text }, index): Finding => ({
      ...{ id: index + 1, check, skill: check.split("/")[0] ?? "", key, state, severity, trust },
      ...{ title, text, data: null, status: state === "resolved" ? "resolved" : "open" },
      ...{ revision: 1, handledRevision: 0, toldRevision: 0, openedAt: at, changedAt: at },
      ...{ resolvedAt: null, since: null, verdict: null, decidedBy: null },
    }));
  const text = fittingFindings(findings).map(fence).join("\n\n");
  const own = JSON.stringify(buildPrompt(skill ? [skill] : []));
  const without = JSON.stringify(buildPrompt([]));
  return {
    wakes: findings.some(({ severity }) => atLeast(severity, "notice")),
    text,
    tokens: tokensOf(text),
    prefixTokens: Math.max(0, tokensOf(own) - tokensOf(without)),
  };
}

const tokensOf = (text: string): number => estimateTokens(Buffer.byteLength(text), 0);
