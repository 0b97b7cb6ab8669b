/** One thing that the watch needs, and how it stands. */
export interface Diagnosis {
  readonly name: string;
  readonly level: "ok" | "warn" | "fail";
  /** With its mend, where something is wrong. */
  readonly message: string;
}

/** Something that is looked at by itself, beside the others. Looking changes nothing. */
export interface Part {
  /** For whoever waits. */
  readonly name: string;
  /** Default: {@link usualPatienceMs}. */
  readonly patienceMs?: number;
  /** What it throws is a failure under its name. */
  readonly look: (signal: AbortSignal) => Promise<readonly Diagnosis[]> | readonly Diagnosis[];
}

export const usualPatienceMs = 30_000;

type Say = (name: string, message: string) => Diagnosis;

export const ok: Say = (name, message) => ({ name, level: "ok", message });
export const warn: Say = (name, message) => ({ name, level: "warn", message });
export const fail: Say = (name, message) => ({ name, level: "fail", message });
