/**
 * Whether and when the owner is told of a finding. The verdict is the model's or the rules', within
 * the floor; the owner's quiet hours, digest and daily cap decide the time.
 */
import { type ClockRange, isWithin, nextEnd, nextTimeOfDay } from "./active-hours.ts";
import { type Finding, type Severity, type Verdict, verdicts } from "./finding.ts";
import type { OwnersWord, Repeat } from "./telling.ts";
import { formatTimeOfDay } from "./zoned-time.ts";

/** When the digest goes out unless the owner says otherwise. */
const defaultDigestAt = "08:30";

/** A verdict with the reason for it, as a short sentence for the owner. */
export interface ReasonedVerdict {
  readonly verdict: Verdict;
  readonly why: string;
}

const openedRules: Record<Severity, ReasonedVerdict> = {
  critical: { verdict: "notify", why: "critical: told at once" },
  warning: { verdict: "notify", why: "warning: told at once" },
  notice: { verdict: "digest", why: "notice: waits for the digest" },
  info: { verdict: "ignore", why: "info: kept in the log" },
};

const woken: ReasonedVerdict = {
  verdict: "notify",
  why: "the time you put it off for is over, and it is still open",
};

/**
 * What is said of a finding when no model looks at it.
 * @param word what the owner has said about it
 */
export function ruleVerdict(
  finding: Pick<Finding, "severity" | "state" | "toldRevision">,
  word: OwnersWord = null,
): ReasonedVerdict {
  const { severity, state, toldRevision } = finding;
  const opened = openedRules[severity];
  if (word === "woken") return woken;
  if (word === "hushed") return { verdict: "digest", why: "over, and you knew of it" };
  if (state !== "resolved") return opened;
  if (toldRevision > 0) return { verdict: "notify", why: "over, and you were told that it began" };
  return { verdict: opened.verdict, why: `over; ${opened.why}` };
}

/**
 * The verdict that stands: the given one, or the floor when that is louder. `critical` is never
 * below notify nor `warning` below digest, and a run that has read untrusted text never lowers a
 * trusted finding below what the rules would say. What the owner has put off comes back when they said.
 */
export function floorVerdict(
  verdict: Verdict,
  finding: Pick<Finding, "severity" | "state" | "trust" | "toldRevision"> & {
    readonly runReadUntrusted: boolean;
  },
  word: OwnersWord = null,
): ReasonedVerdict & { readonly raised: boolean } {
  const { severity, trust, runReadUntrusted } = finding;
  if (word === "woken" && verdict !== "notify") return { ...woken, raised: true };
  if (severity === "critical" && verdict !== "notify") {
    return { verdict: "notify", raised: true, why: `critical: always told, not ${done[verdict]}` };
  }
  const rule = ruleVerdict(finding);
  if (trust === "trusted" && runReadUntrusted && loudness(verdict) < loudness(rule.verdict)) {
    const why = `${rule.why}; a run that has read strangers' text may not make it quieter`;
    return { verdict: rule.verdict, raised: true, why };
  }
  if (severity === "warning" && verdict === "ignore") {
    return { verdict: "digest", raised: true, why: "warning: at least in the digest, not ignored" };
  }
  return { verdict, raised: false, why: `the verdict was ${verdict}` };
}

export interface RouteInput {
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly now: number;
  /** When nobody wants to be woken; null for never. */
  readonly quietHours: ClockRange | null;
  readonly timezone: string;
  /** Times of day such as `08:30`; none means {@link defaultDigestAt}. */
  readonly digestAt: string | readonly string[];
  readonly interruptionsToday: number;
  readonly interruptionsPerDay: number;
  /** Set when it is the same again. */
  readonly repeat?: Repeat | null;
}

/** Why something waits. */
export const heldReasons = ["verdict", "quiet-hours", "cap", "repeat", "flapping"] as const;
export type HeldReason = (typeof heldReasons)[number];

export type Route =
  | { readonly kind: "now"; readonly why: string }
  | {
      readonly kind: "digest";
      /** When it is told, together with whatever else waits for then. */
      readonly at: number;
      readonly because: HeldReason;
      readonly why: string;
    }
  | { readonly kind: "log"; readonly why: string };

/**
 * When a verdict reaches the owner. Only `critical` passes quiet hours and the daily cap; what is the same
 * again interrupts nobody.
 */
export function route(input: RouteInput): Route {
  const { verdict, severity, now, quietHours, timezone } = input;
  if (verdict === "ignore") return { kind: "log", why: `${severity}: kept in the log` };

  const digest = nextDigest(input.digestAt, now, timezone);
  const waits = `waits for the digest at ${formatTimeOfDay(digest, timezone)}`;
  if (verdict === "digest") {
    return { kind: "digest", at: digest, because: "verdict", why: `${severity}: ${waits}` };
  }

  if (input.repeat) return routeRepeat(input.repeat, digest, input);
  const quiet = quietHours !== null && isWithin(quietHours, now, timezone);
  const capReached = input.interruptionsToday >= input.interruptionsPerDay;
  if (severity === "critical") {
    if (quiet) return { kind: "now", why: "critical: told at once, even in quiet hours" };
    if (capReached) {
      const cap = `interruptionsPerDay (${input.interruptionsPerDay})`;
      return { kind: "now", why: `critical: told at once, above ${cap}` };
    }
    return { kind: "now", why: "critical: told at once" };
  }
  if (quiet) {
    const quietEnd = nextEnd(quietHours, now, timezone) ?? Infinity;
    // The owner chose the digest's time; what is held need not wait for longer than that.
    if (digest <= quietEnd) {
      return { kind: "digest", at: digest, because: "quiet-hours", why: `quiet hours: ${waits}` };
    }
    const why = `quiet hours until ${formatTimeOfDay(quietEnd, timezone)}`;
    return { kind: "digest", at: quietEnd, because: "quiet-hours", why };
  }
  if (capReached) {
    const why = `above interruptionsPerDay (${input.interruptionsPerDay}): ${waits}`;
    return { kind: "digest", at: digest, because: "cap", why };
  }
  return { kind: "now", why: `${severity}: told at once` };
}

function routeRepeat(
  { because, why, until, urgent }: Repeat,
  digest: number,
  { quietHours, timezone }: RouteInput,
): Route {
  const waits = `waits for the digest at ${formatTimeOfDay(digest, timezone)}`;
  if (until === null) return { kind: "digest", at: digest, because, why: `${why}: ${waits}` };
  const calm =
    !urgent && quietHours !== null && isWithin(quietHours, until, timezone)
      ? (nextEnd(quietHours, until, timezone) ?? digest)
      : until;
  if (digest <= calm) return { kind: "digest", at: digest, because, why: `${why}: ${waits}` };
  const at = formatTimeOfDay(calm, timezone);
  return { kind: "digest", at: calm, because, why: `${why}: told at ${at} unless that changes` };
}

/** When the next digest after `now` goes out. */
export function nextDigest(
  digestAt: string | readonly string[],
  now: number,
  timezone: string,
): number {
  const times = typeof digestAt === "string" ? [digestAt] : digestAt;
  const digests = (times.length > 0 ? times : [defaultDigestAt]).map((time) =>
    nextTimeOfDay(time, now, timezone),
  );
  return Math.min(...digests);
}

const loudness = (verdict: Verdict): number => verdicts.indexOf(verdict);
const done = { ignore: "ignored", digest: "left for the digest" } as const;
