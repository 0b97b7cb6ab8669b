import { duration, z } from "watchkeeper";
import { address, maintenance, url } from "./config-parts.ts";
import { count, flapping, rawTarget } from "./raw-target.ts";
import { flappingRule, resolveTarget } from "./resolve-target.ts";
import type { SharedSettings } from "./resolve-target.ts";
import type { HttpTarget, Target, TcpTarget } from "./target.ts";

/** The skill's part of `agent.config.ts`: read once, defaults filled in. */
export interface ServicesConfig {
  readonly targets: readonly Target[];
  /** Something outside that is always there: while it is not, this machine is off line and nothing outside is blamed. */
  readonly reference: ReferenceTarget | null;
}

export type ReferenceTarget = HttpTarget | TcpTarget;

/** The check that looks at the reference. */
export const referenceName = "reference";

export const servicesConfig = z
  .strictObject({
    every: duration().prefault("1m"),
    failureThreshold: count.default(3),
    successThreshold: count.default(2),
    timeout: duration().prefault("10s"),
    reminder: duration().optional(),
    maintenance: maintenance.default([]),
    flapping: flapping.prefault({}),
    reference: z
      .strictObject({ tcp: address.optional(), http: url.optional() })
      .refine(({ tcp, http }) => (tcp === undefined) !== (http === undefined), {
        message: "a reference is one of tcp and http",
      })
      .optional(),
    targets: z.array(rawTarget).max(1_000),
  })
  .superRefine(({ targets, reference }, context) => {
    const issue = (index: number, key: string, message: string): void =>
      context.addIssue({ code: "custom", path: ["targets", index, key], message });
    const names = new Set<string>();
    for (const [index, { name }] of targets.entries()) {
      if (names.has(name)) issue(index, "name", `another target is named "${name}" already`);
      if (reference && name === referenceName) {
        issue(index, "name", `"${name}" is the name of the reference's check; choose another`);
      }
      names.add(name);
    }
    const parents = new Map(targets.map(({ name, dependsOn }) => [name, dependsOn]));
    for (const [index, { name, dependsOn }] of targets.entries()) {
      const unknown = dependsOn.find((parent) => !names.has(parent));
      if (unknown !== undefined) issue(index, "dependsOn", `no target is named "${unknown}"`);
      if (dependsOnItself(name, parents)) {
        issue(index, "dependsOn", `"${name}" would depend on itself`);
      }
    }
  })
  .transform(({ targets, reference, every, timeout, reminder, ...rest }): ServicesConfig => {
    const shared: SharedSettings = {
      ...rest,
      everyMs: every,
      timeoutMs: timeout,
      reminderMs: reminder ?? null,
      flapping: flappingRule(rest.flapping),
    };
    const resolved = targets.map((target) => resolveTarget(target, shared));
    return {
      targets: resolved,
      reference: reference ? referenceTarget(reference, { ...shared, maintenance: [] }) : null,
    };
  });

function dependsOnItself(name: string, parents: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [...(parents.get(name) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(parents.get(next) ?? []));
  }
  return false;
}

function referenceTarget(
  raw: {
    readonly tcp?: { readonly host: string; readonly port: number } | undefined;
    readonly http?: string | undefined;
  },
  shared: SharedSettings,
): ReferenceTarget {
  const base = {
    ...shared,
    name: referenceName,
    severity: "warning" as const,
    dependsOn: [],
    flapping: null,
  };
  if (raw.tcp) return { ...base, kind: "tcp", ...raw.tcp };
  // Whatever it answers, it was reached.
  const expect = { status: ["100-599"] };
  return { ...base, kind: "http", url: raw.http ?? "", method: "HEAD", headers: {}, expect };
}
