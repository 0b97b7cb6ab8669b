import { formatDuration } from "watchkeeper";
import type { ObservationInput, ObserveResult } from "watchkeeper";
import type { Trouble } from "./health.ts";
import { atMost } from "./judge.ts";
import type { Judgement } from "./judge.ts";
import type { CertificateFacts, ProbeResult } from "./probes/probe.ts";
import { describeExpiry, expiryStage } from "./probes/tls.ts";
import { addressOf } from "./target.ts";
import type { Target } from "./target.ts";

/**
 * Puts a look into observations. Only what is known to be over is named as gone: neither a doubt,
 * nor a look that does not count or saw no certificate, changes what was found before.
 */
export function describeLook(
  target: Target,
  probe: ProbeResult,
  { memory, decision, saysDown, restart }: Judgement,
): ObserveResult {
  const observations: ObservationInput[] = [];
  const gone: string[] = [];
  const notes: string[] = [];
  const actions: NonNullable<ObserveResult["actions"]> = [];
  const { flapping, setAside } = memory;
  if (decision === null) {
    if (!probe.ok) notes.push(`${target.name}: ${probe.reason}; not judged: ${setAside}`);
    return { observations, gone, notes, cursor: memory };
  }

  if (flapping.since !== null) {
    observations.push(describeFlapping(target, flapping.since));
    // Each time is no news any more; the finding that was open is part of the flapping.
    gone.push("down");
  } else {
    gone.push("flapping");
    if (decision.kind === "down" && saysDown) {
      observations.push(describeTrouble(target, probe, decision.trouble, memory.said));
    }
    if (decision.kind === "well") gone.push("down");
  }
  if (decision.kind === "doubt") {
    const { lastReason, failures } = decision.trouble;
    notes.push(`${target.name}: ${lastReason} (${failures} of ${target.failureThreshold})`);
  }

  const expiry = probe.certificate && describeCertificate(target, probe.certificate);
  if (expiry) observations.push(expiry);
  // A target that is no longer looked at for its certificate has none that could run out.
  else if (probe.certificate || target.kind !== "tls") gone.push("expiry");

  if (restart && target.restart) {
    actions.push({
      key: restart.occasion,
      tool: "restart",
      input: { target: target.name },
      maxPerHour: target.restart.maxPerHour,
    });
    notes.push(`${target.name}: its restart command is run, as its configuration says`);
  }
  return { observations, gone, notes, cursor: memory, ...(actions.length > 0 && { actions }) };
}

function describeTrouble(
  target: Target,
  probe: ProbeResult,
  trouble: Trouble,
  said: Judgement["memory"]["said"],
): ObservationInput {
  const { fault, failures, since, lastReason } = trouble;
  const reminders = said?.reminders ?? 0;
  const row = reminders === 0 ? " in a row" : "";
  const count = failures === 1 ? "One probe failed" : `${failures} probes${row} failed`;
  const last = probe.ok ? ` The last one succeeded: ${probe.detail}.` : "";
  const still = reminders > 0 && said ? ` (still, after ${formatDuration(said.at - since)})` : "";
  return {
    key: "down",
    severity: fault === "down" ? target.severity : atMost("warning", target.severity),
    title: `${target.name} ${stateWords(target, fault)}${still}: ${lastReason}`,
    text:
      target.kind === "push"
        ? `It reports by itself to ${addressOf(target)}.`
        : `${count}: ${addressOf(target)} (${target.kind}).${last}`,
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
    // The same through all probes of an incident; its getting worse is news, and so is a reminder.
    fingerprint: `${fault}:${since}${reminders > 0 ? `:${reminders}` : ""}`,
    since: new Date(since),
  };
}

/** What is said of each kind of target when it is not as it should be. */
function stateWords({ kind }: Target, fault: Trouble["fault"]): string {
  if (fault === "slow") return "is slow";
  if (kind === "disk") return "is short of space";
  if (kind === "push") return "has not reported";
  return kind === "command" ? "is failing" : "is down";
}

function describeFlapping(target: Target, since: number): ObservationInput {
  const { flapping, name, severity } = target;
  const times = flapping
    ? `${flapping.downs} times within ${formatDuration(flapping.withinMs)}`
    : "";
  return {
    key: "flapping",
    severity,
    title: `${name} is flapping: down ${times}`,
    text: "It is not told each time any more until it stays as it is for a while.",
    data: { target: name, since: new Date(since).toISOString() },
    trust: "trusted",
    fingerprint: `flapping:${since}`,
    since: new Date(since),
  };
}

function describeCertificate(
  target: Target,
  certificate: CertificateFacts,
): ObservationInput | undefined {
  const { daysLeft, validTo, ofIssuer } = certificate;
  if (target.kind !== "tls") return undefined;
  const stage = expiryStage(certificate, target.warnDays);
  if (stage === "far") return undefined;
  const until = new Date(validTo).toISOString();
  return {
    key: "expiry",
    severity: stage === "soon" ? atMost("warning", target.severity) : target.severity,
    title: `${target.name}: ${describeExpiry(certificate)}`,
    text: `${ofIssuer ? "One that vouches for the certificate" : "The certificate"} of ${addressOf(target)} is valid until ${until}.`,
    data: { target: target.name, validTo: until, daysLeft },
    trust: "trusted",
    // Counting the days down is no news; becoming urgent, running out, or another certificate is.
    fingerprint: `${stage}:${validTo}`,
  };
}
