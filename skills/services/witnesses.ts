import { isIP } from "node:net";
import { AdapterError } from "watchkeeper";
import type { ObserveInput } from "watchkeeper";
import type { ReferenceTarget, ServicesConfig } from "./config.ts";
import { runProbe } from "./probes/index.ts";
import type { ProbePlace, ProbeResult, Workshop } from "./probes/probe.ts";
import { judgePush } from "./push.ts";
import type { HostFinder } from "./resolve-host.ts";
import type { ProbedTarget, Target } from "./target.ts";
import { whereIs } from "./inside.ts";

/**
 * Whether somebody else is to blame for a failed probe: a target that this one depends on, or our own
 * connection. They are looked at there and then: what their own checks last saw may be an hour old.
 */

/** One that answers may fail the next moment; one that just failed is failing still. */
const successCountsMs = 2_000;
const failureCountsMs = 30_000;
const longestLookupMs = 3_000;

export type WitnessInput = Pick<ObserveInput, "signal" | "now" | "pushes">;

/** How long an excuse may take to be found, beside the target's own probe. */
export function longestExcuseMs(target: Target, { targets, reference }: ServicesConfig): number {
  const parents = targets.filter(({ name }) => target.dependsOn.includes(name));
  const ofParents = Math.max(0, ...parents.map(({ timeoutMs }) => timeoutMs));
  return ofParents + (reference ? reference.timeoutMs + longestLookupMs : 0);
}

export interface Witnesses {
  /** @returns why the target is not to be blamed, in words for the owner; undefined when it is */
  excuse(target: Target, input: WitnessInput): Promise<string | undefined>;
}

interface Testimony {
  readonly at: number;
  readonly result: Promise<ProbeResult | undefined>;
  /** Undefined while it is looked at. */
  isWell?: boolean;
}

export function createWitnesses(config: ServicesConfig, workshop: Workshop): Witnesses {
  const targets = new Map(config.targets.map((target) => [target.name, target]));
  const heard = new Map<ProbedTarget, Testimony>();

  /** Many children of one parent ask at the same time: it is looked at once. */
  async function isDead(target: ProbedTarget, { signal, now }: WitnessInput): Promise<boolean> {
    const at = now.getTime();
    let testimony = heard.get(target);
    if (!testimony || !counts(testimony, at)) {
      testimony = { at, result: look(target, { signal, now, workshop }) };
      heard.set(target, testimony);
    }
    const result = await testimony.result;
    testimony.isWell = result?.ok ?? true;
    signal.throwIfAborted();
    return result !== undefined && !result.ok && result.fault === "down";
  }

  async function excuse(target: Target, input: WitnessInput): Promise<string | undefined> {
    const { reference } = config;
    if (
      reference &&
      (await isOutside(target, input.signal, workshop.hosts)) &&
      (await isDead(reference, input))
    ) {
      return "no connection: the reference does not answer either";
    }
    const dead = await Promise.all(
      target.dependsOn.map(async (name) => {
        const parent = targets.get(name);
        return parent && (await isParentDead(parent, input)) ? name : undefined;
      }),
    );
    const blamed = dead.find((name) => name !== undefined);
    return blamed && `it depends on ${blamed}, which is down`;
  }

  async function isParentDead(parent: Target, input: WitnessInput): Promise<boolean> {
    if (parent.kind !== "push") return isDead(parent, input);
    const push = input.pushes.get(parent.name);
    // One that never reported says nothing.
    if (!push) return false;
    const now = input.now.getTime();
    return !judgePush(parent, { now, push, waitingSince: now, gap: null }).ok;
  }

  return { excuse };
}

function counts({ at, isWell }: Testimony, now: number): boolean {
  const age = Math.abs(now - at);
  return age <= (isWell === false ? failureCountsMs : successCountsMs);
}

/** @returns undefined when nobody can tell: then it is no excuse */
async function look(target: ProbedTarget, place: ProbePlace): Promise<ProbeResult | undefined> {
  try {
    return await runProbe(target, place);
  } catch (error) {
    if (error instanceof AdapterError || place.signal.aborted) return undefined;
    throw error;
  }
}

/** Only what lies outside needs the connection. A push comes to us, a program is this machine's own. */
async function isOutside(target: Target, signal: AbortSignal, hosts: HostFinder): Promise<boolean> {
  // Whichever name server the system asks, it asks others outside.
  if (target.kind === "dns" && target.server === undefined) return true;
  const host = hostOf(target);
  if (host === undefined) return false;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(longestLookupMs)]);
  try {
    return (await whereIs(host, limited, hosts)) !== "inside";
  } catch {
    signal.throwIfAborted();
    // Without a connection a name server does not answer: that is no sign of being near.
    return true;
  }
}

function hostOf(target: Target | ReferenceTarget): string | undefined {
  switch (target.kind) {
    case "http":
      return new URL(target.url).hostname;
    case "tcp":
    case "tls":
    case "icmp":
      return target.host;
    case "dns":
      return target.server && hostOfAddress(target.server);
    case "disk":
    case "systemd":
    case "command":
    case "push":
      return undefined;
  }
}

/** `192.0.2.53:53`, `[2001:db8::53]:53`, or the address alone. */
const hostOfAddress = (server: string): string =>
  isIP(server) === 0 ? server.replace(/:\d+$/, "") : server;
