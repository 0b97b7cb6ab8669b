import type { ResolvedConfig } from "../../config/load.ts";
import { systemClock } from "../../domain/clock.ts";
import { formatDuration } from "../../domain/duration.ts";
import { severityRank } from "../../domain/finding.ts";
import { createScrub } from "../../domain/scrub.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { attentionSettings } from "../../notify/attention-settings.ts";
import { loadSkills, silentSkillLog, toolsOf, type LoadedCheck } from "../../skills/load.ts";
import { giveAllToOwner, isLocked } from "../../store/index.ts";
import type { CommandContext } from "../context.ts";
import { rehearseDemo } from "../demo-rehearsal.ts";
import { fail, ok, warn, type Diagnosis, type Part } from "./diagnosis.ts";
import { enumerated } from "./permissions.ts";

interface CheckParts extends AsyncDisposable {
  readonly parts: readonly Part[];
}

/** Each check looks once, for nothing: that shows that its server is reachable and lets it in. */
export async function openChecks(
  { stateDir, packageInfo }: CommandContext,
  resolved: ResolvedConfig,
): Promise<CheckParts> {
  await using opened = new AsyncDisposableStack();
  // A look keeps what it keeps, such as a calendar's copy.
  opened.defer(() => giveAllToOwner(stateDir));
  const running = isLocked(stateDir);
  const { config } = opened.use(await rehearseDemo(resolved, { running, warn() {} }));
  const { builtinSkillsDir } = packageInfo;
  const dependencies = { builtinSkillsDir, stateDir, logFor: silentSkillLog };
  const { skills, broken } = await loadSkills(config, dependencies);
  for (const skill of skills) opened.defer(async () => skill.close());
  const look = {
    store: undefined,
    clock: systemClock,
    attention: attentionSettings(config),
    scrub: createScrub(config.secrets),
    tools: toolsOf(skills),
  };
  const off = broken.map(({ name, error }) => fail(`skill ${name}`, error));
  const parts = [
    { name: "skills", look: () => off },
    ...skills
      .flatMap(({ checks }) => checks)
      .map((check) => ({
        name: check.name,
        patienceMs: patienceFor(check),
        look: async () => (await dryRun([check], look)).map(diagnoseLook),
      })),
  ];
  const kept = opened.move();
  return { parts, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** A check sees to its own time; this is for what comes around it. */
const patienceFor = ({ timeoutMs }: LoadedCheck): number => timeoutMs + 5_000;

/** Of the first look of all: what it leaves alone is nothing to mend. */
const firstLook = /^first look: /;

/** A look that succeeded may still have seen that something is wrong. */
function diagnoseLook({ name, outcome, error, durationMs, notes, findings }: DryLook): Diagnosis {
  if (outcome !== "ok") return fail(name, error ?? outcome);
  const trouble = [
    ...findings
      .filter(({ severity }) => severityRank(severity) >= severityRank("warning"))
      .map(({ title }) => title),
    ...notes.filter((note) => !firstLook.test(note)),
  ];
  if (trouble.length > 0) {
    // `services/off: off: refused` says its name twice.
    const own = `${name.split("/").at(-1) ?? ""}: `;
    const said = trouble.map((line) => (line.startsWith(own) ? line.slice(own.length) : line));
    return warn(name, enumerated(said, "; "));
  }
  return ok(name, `looked in ${formatDuration(durationMs)}`);
}
