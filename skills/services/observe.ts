import type { CheckDefinition, ObservationInput, ObserveResult, Severity } from "watchkeeper";
import type { Target } from "./config.ts";
import { decideHealth, readHealth } from "./health.ts";
import type { HealthDecision, Trouble } from "./health.ts";
import { runProbe } from "./probes/index.ts";
import type { CertificateFacts, ProbeResult } from "./probes/probe.ts";
import { describeExpiry, expiryStage } from "./probes/tls.ts";

// The probe ends by itself; the check's own timeout is only for when it does not.
const marginMs = 5_000;

/** A duration as the skill API reads it. */
const seconds = (ms: number): string => `${ms / 1_000}s`;

export const probeTimeout = (timeoutMs: number): string => seconds(timeoutMs + marginMs);

/** The check of one target. */
export function targetCheck(target: Target, timeoutMs: number): CheckDefinition {
  return {
    every: seconds(target.everyMs),
    timeout: probeTimeout(timeoutMs),
    async observe({ cursor, signal, now }) {
      const probe = await runProbe(target, { timeoutMs, signal, now });
      const decision = decideHealth(readHealth(cursor), probe, target, now.getTime());
      return describeLook(target, probe, decision);
    },
  };
}

/**
 * Puts a look into observations. Only what is known to be over is named as gone: neither a doubt
 * nor a look that saw no certificate changes what was found before.
 */
export function describeLook(
  target: Target,
  probe: ProbeResult,
  decision: HealthDecision,
): ObserveResult {
  const observations: ObservationInput[] = [];
  const gone: string[] = [];
  const notes: string[] = [];

  if (decision.kind === "down") observations.push(describeTrouble(target, probe, decision.trouble));
  if (decision.kind === "well") gone.push("down");
  if (decision.kind === "doubt") {
    const { lastReason, failures } = decision.trouble;
    notes.push(`${target.name}: ${lastReason} (${failures} of ${target.failureThreshold})`);
  }

  const expiry = probe.certificate && describeCertificate(target, probe.certificate);
  if (expiry) observations.push(expiry);
  // A target that is no longer looked at for its certificate has none that could run out.
  else if (probe.certificate || target.kind !== "tls") gone.push("expiry");

  return { observations, gone, notes, cursor: decision.health };
}

function describeTrouble(target: Target, probe: ProbeResult, trouble: Trouble): ObservationInput {
  const { fault, failures, since, lastReason } = trouble;
  const count = failures === 1 ? "One probe failed" : `${failures} probes in a row failed`;
  const last = probe.ok ? ` The last one succeeded: ${probe.detail}.` : "";
  return {
    key: "down",
    severity: fault === "down" ? target.severity : atMost("warning", target.severity),
    title: `${target.name} is ${fault}: ${lastReason}`,
    text: `${count}: ${addressOf(target)} (${target.kind}).${last}`,
    data: {
      target: target.name,
      kind: target.kind,
      fault,
      failures,
      lastReason,
      since: new Date(since).toISOString(),
      lastProbe: { ok: probe.ok, ms: probe.ms },
    },
    trust: "trusted",
    // The same through all probes of an incident; only its getting worse is news.
    fingerprint: `${fault}:${since}`,
    since: new Date(since),
  };
}

function describeCertificate(
  target: Target,
  certificate: CertificateFacts,
): ObservationInput | undefined {
  const { daysLeft, validTo } = certificate;
  if (target.kind !== "tls") return undefined;
  const stage = expiryStage(certificate, target.warnDays);
  if (stage === "far") return undefined;
  const until = new Date(validTo).toISOString();
  return {
    key: "expiry",
    severity: stage === "soon" ? atMost("warning", target.severity) : target.severity,
    title: `${target.name}: ${describeExpiry(certificate)}`,
    text: `The certificate of ${addressOf(target)} is valid until ${until}.`,
    data: { target: target.name, validTo: until, daysLeft },
    trust: "trusted",
    // Counting the days down is no news; becoming urgent, running out, or another certificate is.
    fingerprint: `${stage}:${validTo}`,
  };
}

/** Where the target is, without what may be secret in an address: path and query. */
export const addressOf = (target: Target): string => {
  if (target.kind === "http") return new URL(target.url).origin;
  return target.host.includes(":")
    ? `[${target.host}]:${target.port}`
    : `${target.host}:${target.port}`;
};

const order: readonly Severity[] = ["info", "notice", "warning", "critical"];

const atMost = (severity: Severity, ceiling: Severity): Severity =>
  order.indexOf(severity) < order.indexOf(ceiling) ? severity : ceiling;
