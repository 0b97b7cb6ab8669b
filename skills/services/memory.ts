import { z } from "watchkeeper";
import { flappingSchema, steady } from "./flapping.ts";
import { healthSchema, wellHealth } from "./health.ts";
import { addressOf } from "./target.ts";
import type { Target } from "./target.ts";
import { newUptime, uptimeSchema } from "./uptime.ts";

/** What is remembered of a target between two looks: the cursor of its check. */

const longestReason = 200;

const incidentSchema = z.object({
  start: z.int(),
  /** Null while it lasts. */
  end: z.int().nullable(),
  fault: z.enum(["slow", "down"]),
  reason: z.string().max(longestReason),
  restarts: z.int().min(0),
});

export type Incident = z.output<typeof incidentSchema>;

const mostIncidents = 100;
const yearMs = 366 * 86_400_000;

const memorySchema = z.object({
  version: z.literal(1),
  /** What is watched, and since when: another address under the same name is judged afresh. */
  subject: z.string(),
  since: z.int(),
  health: healthSchema,
  /** When the owner was last told that it is down, and how often they were reminded; null when it was not said. */
  said: z.object({ at: z.int(), reminders: z.int().min(0) }).nullable(),
  flapping: flappingSchema,
  /** When its command was run by rule, in the last hour, and the failures that were counted then. */
  restarts: z.object({ at: z.array(z.int()).max(100), failures: z.int().min(0) }),
  uptime: uptimeSchema,
  /** The first one first. */
  incidents: z.array(incidentSchema).max(mostIncidents),
  last: z
    .object({ at: z.int(), ok: z.boolean(), ms: z.number(), measured: z.string().max(500) })
    .nullable(),
  /** Why the last look did not count. */
  setAside: z.string().max(500).nullable(),
  /** The last time in which nobody looked. */
  gap: z.object({ from: z.int(), to: z.int() }).nullable(),
});

export type Memory = z.output<typeof memorySchema>;

const subjectOf = (target: Target): string => `${target.kind} ${addressOf(target)}`;

const newMemory = (target: Target, now: number): Memory => ({
  version: 1,
  subject: subjectOf(target),
  since: now,
  health: wellHealth,
  said: null,
  flapping: steady,
  restarts: { at: [], failures: 0 },
  uptime: newUptime(now),
  incidents: [],
  last: null,
  setAside: null,
  gap: null,
});

/** Reads a cursor as it is; undefined when it is not ours, or from another version. */
export function readMemory(cursor: unknown): Memory | undefined {
  const parsed = memorySchema.safeParse(cursor);
  return parsed.success ? parsed.data : undefined;
}

/** What is remembered at the beginning of a look. */
export function recall(cursor: unknown, target: Target, now: number): Memory {
  const known = readMemory(cursor);
  if (!known) return newMemory(target, now);
  const memory = withoutFuture(known, now);
  if (memory.subject === subjectOf(target)) return memory;
  return {
    ...newMemory(target, now),
    uptime: memory.uptime,
    incidents: endIncident(memory.incidents, now),
  };
}

/** A clock that was set back leaves times that have not come: nothing may wait for them. */
function withoutFuture(memory: Memory, now: number): Memory {
  const { health, said, flapping, restarts, gap } = memory;
  const past = (at: number): number => Math.min(at, now);
  const trouble = health.trouble && { ...health.trouble, since: past(health.trouble.since) };
  return {
    ...memory,
    since: past(memory.since),
    health:
      health.state === "up" ? { ...health, trouble } : { ...health, ...(trouble && { trouble }) },
    said: said && { ...said, at: past(said.at) },
    flapping: {
      ...flapping,
      downs: flapping.downs.map(past),
      changedAt: flapping.changedAt === null ? null : past(flapping.changedAt),
      since: flapping.since === null ? null : past(flapping.since),
    },
    restarts: { ...restarts, at: restarts.at.map(past) },
    gap: gap && { from: past(gap.from), to: past(gap.to) },
  };
}

export function beginIncident(
  incidents: readonly Incident[],
  incident: Omit<Incident, "end" | "restarts">,
): Incident[] {
  const reason = incident.reason.slice(0, longestReason);
  return [...incidents, { ...incident, reason, end: null, restarts: 0 }].slice(-mostIncidents);
}

/** Changes the one that lasts, if there is one. */
export function amendIncident(
  incidents: readonly Incident[],
  change: (open: Incident) => Partial<Incident>,
): Incident[] {
  return incidents.map((incident) => {
    if (incident.end !== null) return incident;
    const changed = { ...incident, ...change(incident) };
    return { ...changed, reason: changed.reason.slice(0, longestReason) };
  });
}

export function endIncident(incidents: readonly Incident[], now: number): Incident[] {
  return amendIncident(incidents, ({ start }) => ({ end: Math.max(start, now) })).filter(
    ({ end }) => end === null || end > now - yearMs,
  );
}
