/** How long what is kept. What is open, pending, unsettled or needed for a promise is kept however old it is. */

const dayMs = 86_400_000;

export interface RetentionRule {
  /** In days, unless the owner says otherwise. */
  readonly keep: number;
  /** What other parts look back at: nobody may keep it shorter. */
  readonly atLeast: number;
  readonly what: string;
}

/** In the order in which they are removed: what refers to something goes before it. */
export const retentionRules = {
  notifications: {
    keep: 180,
    // The daily cap, reminders and what was told of the same before.
    atLeast: 7,
    what: "messages to you, with their deliveries",
  },
  findings: {
    keep: 365,
    // Whether something flaps, and what was told of the same key.
    atLeast: 7,
    what: "findings that are over, with what happened to them",
  },
  texts: {
    keep: 90,
    atLeast: 7,
    what: "the texts of findings that are over, and what steps were given and gave",
  },
  steps: { keep: 180, atLeast: 7, what: "steps of runs that ended" },
  effects: {
    keep: 730,
    // `policy suggest` looks back that far.
    atLeast: 90,
    what: "effects of runs that are settled, and approvals that were answered or have expired",
  },
  runs: {
    keep: 730,
    // The budget of a month, and the month before it.
    atLeast: 62,
    what: "runs, and what their model calls cost",
  },
  quietBeats: {
    keep: 7,
    // The daily log counts those of yesterday.
    atLeast: 2,
    what: "beats with nothing to tell",
  },
  beats: {
    keep: 180,
    atLeast: 2,
    what: "beats in which a look failed or left a note",
  },
  failures: { keep: 730, atLeast: 2, what: "beats that failed or were missed" },
} as const satisfies Record<string, RetentionRule>;

export type RetentionKind = keyof typeof retentionRules;

export const retentionKinds = Object.keys(retentionRules) as RetentionKind[];

/** How long what was only news, and is no state that could end, stays open for whoever looks at what is open. */
export const newsKeptMs = 14 * dayMs;

/** In milliseconds, by kind. */
export type Retention = Readonly<Record<RetentionKind, number>>;

export const leastMs = (kind: RetentionKind): number => retentionRules[kind].atLeast * dayMs;

/** What ended before these instants may go. Never later than what other parts look back at. */
export function cutoffsOf(retention: Retention, now: number): Retention {
  const entries = retentionKinds.map((kind) => [
    kind,
    now - Math.max(retention[kind], leastMs(kind)),
  ]);
  return Object.fromEntries(entries) as Retention;
}

/** The walks over the tables, in their order. */
export const pruneWalks = [
  "notifications",
  "findings",
  "texts",
  "stepTexts",
  "steps",
  "effects",
  "approvals",
  "runs",
  "beats",
] as const;
export type PruneWalk = (typeof pruneWalks)[number];
