import type { ResolvedConfig } from "../config/load.ts";
import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { notificationMail } from "../effects/notification-mail.ts";
import type { Heartbeat } from "../heartbeat/heartbeat.ts";
import { loadSkills, type BrokenSkill, type LoadedSkill } from "../skills/load.ts";
import { skillLog } from "../telemetry/guarded-log.ts";
import type { Log } from "../telemetry/log.ts";
import type { Ground } from "./ground.ts";

/** The skills of the configuration, loaded, and let go of at the end. */

export interface OpenSkills extends AsyncDisposable {
  readonly skills: readonly LoadedSkill[];
  readonly broken: readonly BrokenSkill[];
  /** Whose checks these are is known only now: before it nobody can look early. */
  wakeBy(heartbeat: Pick<Heartbeat, "lookEarly" | "wake">): void;
}

export interface SkillsOptions {
  readonly config: ResolvedConfig;
  readonly stateDir: string;
  readonly builtinSkillsDir: string;
  readonly clock: Clock;
}

/** How long a skill may take to let go of what it holds. */
const closeMs = 3_000;

/** @throws ConfigError when a skill's config is wrong */
export async function openSkills(
  { store, log, wordSecret }: Ground,
  { config, stateDir, builtinSkillsDir, clock }: SkillsOptions,
): Promise<OpenSkills> {
  let heartbeat: Pick<Heartbeat, "lookEarly" | "wake"> | undefined;
  const askedAddresses = config.notify.channels.email?.to ?? [];
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir,
    stateDir,
    wake: (check) => heartbeat?.lookEarly(check),
    logFor: (skill) => skillLog(log, skill),
    ...(wordSecret !== null && {
      notificationMail: notificationMail({
        secret: wordSecret,
        answers: {
          ...{ store, clock },
          askedAddresses: askedAddresses.map((address) => address.toLowerCase()),
          wake: () => heartbeat?.wake(),
        },
      }),
    }),
  });
  await using held = new AsyncDisposableStack();
  for (const skill of skills) held.defer(() => letGo(skill, clock, log));
  for (const { name, error } of broken) log.error({ skill: name, error }, "skill switched off");
  await store.recordSkillsOff(broken.map(({ name, error }) => ({ name, error })));

  const kept = held.move();
  return {
    ...{ skills, broken },
    wakeBy(next) {
      heartbeat = next;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Whatever the skill makes of it, the rest is let go of too. */
async function letGo(skill: LoadedSkill, clock: Clock, log: Log): Promise<void> {
  using timer = linkedAbort();
  const late = clock.sleep(closeMs, timer.signal).then(() => {
    if (!timer.signal.aborted) throw new Error(`took longer than ${formatDuration(closeMs)}`);
  });
  try {
    await Promise.race([skill.close(), late]);
  } catch (error) {
    log.warn({ skill: skill.name, error: describeError(error) }, "a skill could not let go");
  } finally {
    timer.abort();
  }
}
