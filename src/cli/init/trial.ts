import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig, type ResolvedConfig } from "../../config/load.ts";
import { ConfigProblems } from "../../config/problems.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { systemClock } from "../../domain/clock.ts";
import { ConfigError, describeError } from "../../domain/errors.ts";
import { severityRank } from "../../domain/finding.ts";
import { createScrub } from "../../domain/scrub.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { causeInWords } from "../../model/cause.ts";
import { reachModel } from "../../model/reach.ts";
import { attentionSettings } from "../../notify/attention-settings.ts";
import { channelDependencies } from "../../notify/channel-dependencies.ts";
import { openChannels } from "../../notify/channel.ts";
import { loadSkills, silentSkillLog, toolsOf } from "../../skills/load.ts";
import { tryChannel } from "../channel-trial.ts";
import type { CommandContext } from "../context.ts";
import { quoted } from "../text.ts";
import type { Answers } from "./answers.ts";
import { dotEnvText, missingLines } from "./dotenv-text.ts";
import { configTree, keyName, planSetup, type KnownEnvironment, type Setup } from "./setup.ts";

/** How one answer fared at its server. */
export interface Verdict {
  readonly ok: boolean;
  /** One line, no secrets in it. */
  readonly message: string;
}

/** Tries answers out as the daemon would use them, and saves nothing. */
export interface Trial {
  /** What a configuration of these answers would be refused for, each with its mend. */
  problems(answers: Answers): Promise<readonly string[]>;
  /** Asks every server that these answers name. Never throws for a server. */
  verdicts(answers: Answers, signal: AbortSignal): Promise<readonly Verdict[]>;
}

export function openTrial(context: CommandContext, known: KnownEnvironment): Trial {
  const { configFile: file, packageInfo } = context;
  offerPublicApi(packageInfo.root);

  function resolve(setup: Setup): ResolvedConfig {
    const given = Object.fromEntries(setup.secrets.map(({ name, value }) => [name, value]));
    const environment = { ...known.dotEnv, ...known.environment, ...given };
    return resolveConfig(configTree(setup), { file, environment });
  }

  async function look(
    config: ResolvedConfig,
    stateDir: string,
    stopping: AbortSignal,
  ): Promise<readonly Verdict[]> {
    const { builtinSkillsDir } = packageInfo;
    const dependencies = { builtinSkillsDir, stateDir, logFor: silentSkillLog };
    const { skills, broken } = await loadSkills(config, dependencies);
    try {
      const checks = skills
        .flatMap((skill) => skill.checks)
        .filter(({ name }) => !isAtGoogle(config, name) && !name.endsWith(loginCheck));
      const looks = await dryRun(checks, {
        store: undefined,
        clock: systemClock,
        attention: attentionSettings(config),
        scrub: createScrub(config.secrets),
        tools: toolsOf(skills),
        stopping,
      });
      return [
        ...broken.map(({ error }) => ({ ok: false, message: error })),
        ...looks.map(verdictOf),
      ];
    } finally {
      for (const skill of skills) await skill.close();
    }
  }

  async function tell(config: ResolvedConfig, setup: Setup, stateDir: string, signal: AbortSignal) {
    const scrub = createScrub(config.secrets);
    const dependencies = channelDependencies(config, {
      ...{ stateDir, wordSecret: null, clock: systemClock },
      print() {},
      warn() {},
    });
    const channels = openChannels(config.notify.channels, dependencies)
      .map(({ channel }) => channel)
      .filter(({ name }) => name in setup.channels);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const trials = await Promise.all(
      channels.map((channel) => tryChannel(channel, { scrub, signal: limit, clock: systemClock })),
    );
    return trials.map(({ channel, ok, error }): Verdict => {
      const words = ok ? "a test message is on its way to you" : (error ?? "failed");
      return { ok, message: words.startsWith(channel) ? words : `${channel}: ${words}` };
    });
  }

  return {
    async problems(answers) {
      return inEmptyState(async (stateDir) => {
        try {
          const setup = planSetup(answers, known);
          // Said while it can still be answered otherwise.
          dotEnvText(missingLines(setup.secrets, known));
          const config = resolve(setup);
          const { builtinSkillsDir } = packageInfo;
          const dependencies = { builtinSkillsDir, stateDir, logFor: silentSkillLog };
          const { skills, broken } = await loadSkills(config, dependencies);
          for (const skill of skills) await skill.close();
          return broken.map(({ error }) => quoted(error));
        } catch (error) {
          if (error instanceof ConfigProblems) return error.problems.map(quoted);
          if (error instanceof ConfigError) return [describeError(error)];
          throw error;
        }
      });
    },
    verdicts: async (answers, signal) =>
      inEmptyState(async (stateDir) => {
        const setup = planSetup(answers, known);
        const config = resolve(alert(setup));
        const found = await Promise.all([
          look(config, stateDir, signal),
          tell(config, setup, stateDir, signal),
          answers.apiKey ? keyVerdict(config, answers.apiKey.value, signal) : [],
        ]);
        const scrub = createScrub(config.secrets);
        return found.flat().map(({ ok, message }) => ({ ok, message: quoted(scrub(message)) }));
      }),
  };

  async function keyVerdict(config: ResolvedConfig, apiKey: string, signal: AbortSignal) {
    const [first] = config.model.chain;
    if (!first) return [];
    const reach = await reachModel({ ...first, apiKey }, signal);
    return [
      typeof reach === "string"
        ? { ok: true, message: `${keyName}: it is taken` }
        : { ok: false, message: `${keyName}: ${causeInWords[reach.kind]}: ${reach.message}` },
    ];
  }
}

const patienceMs = 30_000;

/** Skills keep files of their own; those of a trial are nobody's. */
async function inEmptyState<Result>(work: (stateDir: string) => Promise<Result>): Promise<Result> {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-init-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One failure is enough to be told here. */
const alert = (setup: Setup): Setup => ({
  ...setup,
  services: setup.services && { ...setup.services, failureThreshold: 1 },
});

/** A look at the mail says as much of the login, and of the rest too. */
const loginCheck = ".login";

/** Without a login, which comes later, a look could only say that there is none. */
function isAtGoogle({ skills }: ResolvedConfig, check: string): boolean {
  const { sources = [] } = (skills.get("calendar") ?? {}) as {
    sources?: { name: string; google?: unknown }[];
  };
  return sources.some(({ name, google }) => google !== undefined && check === `calendar/${name}`);
}

/** Of a first look: what it leaves alone is nothing to mend. */
const firstLook = /^first look: /;

function verdictOf({ name, outcome, error, notes, findings }: DryLook): Verdict {
  if (outcome !== "ok") return { ok: false, message: `${name}: ${error ?? outcome}` };
  const trouble = [
    ...findings
      .filter(({ severity }) => severityRank(severity) >= severityRank("warning"))
      .map(({ title }) => title),
    ...notes.filter((note) => !firstLook.test(note)),
  ];
  return trouble.length === 0
    ? { ok: true, message: `${name}: it answers` }
    : { ok: false, message: `${name}: ${trouble.slice(0, 2).join("; ")}` };
}
