import { AdapterError } from "watchkeeper";
import { runCommand } from "../run-command.ts";
import type { CommandOutcome } from "../run-command.ts";
import type { Command, CommandTarget, IcmpTarget, SystemdTarget } from "../target.ts";
import { elapsedMs, timed } from "./probe.ts";
import type { Probe, ProbePlace } from "./probe.ts";

/** Probes that a program makes for us. What it prints stays here: only its exit code and known words count. */

/** The owner's own program: its exit code is the answer. */
export const probeCommand: Probe<CommandTarget> = async (target, place) => {
  const started = performance.now();
  const outcome = await run(target.command, target.timeoutMs, place);
  const ms = elapsedMs(started);
  if (outcome.kind === "not-started") throw notMade(target.name, "the command cannot be started");
  if (outcome.kind === "killed") {
    return { ok: false, ms, fault: "down", reason: `command was ended by ${outcome.signal}` };
  }
  const { exitCode } = outcome;
  if (!target.exitCodes.includes(exitCode)) {
    const expected = target.exitCodes.join(" or ");
    return { ok: false, ms, fault: "down", reason: `exit code ${exitCode} instead of ${expected}` };
  }
  return timed(ms, target.maxMs, { verb: "ended", detail: `exit code ${exitCode}` });
};

/** The system's `ping` has the rights that raw sockets need. */
export const probeIcmp: Probe<IcmpTarget> = async (target, place) => {
  const seconds = String(Math.max(1, Math.ceil(target.timeoutMs / 1_000)));
  const deadline = process.platform === "darwin" ? "-t" : "-w";
  const command: Command = ["ping", "-n", "-c", "1", deadline, seconds, target.host];
  const started = performance.now();
  const outcome = await run(command, target.timeoutMs, place);
  const ms = elapsedMs(started);
  if (outcome.kind === "not-started") {
    throw notMade(target.name, "the program ping is not there", "Install it (iputils-ping)");
  }
  if (outcome.kind === "killed" || outcome.exitCode === 1) {
    return { ok: false, ms, fault: "down", reason: "no answer to ping" };
  }
  if (outcome.exitCode !== 0) {
    if (/operation not permitted|permission denied|lacking privilege/i.test(outcome.output)) {
      throw notMade(target.name, "ping is not permitted", "Allow the daemon's user to ping");
    }
    const isUnknown = /not known|unknown host|resolution|bad address/i.test(outcome.output);
    const reason = isUnknown ? "host name not found" : "host cannot be pinged";
    return { ok: false, ms, fault: "down", reason };
  }
  const measured = /time[=<]\s?(\d{1,7}(?:\.\d{1,6})?)\s?ms/.exec(outcome.output)?.[1];
  const tripMs = measured === undefined ? ms : Math.max(1, Math.round(Number(measured)));
  return timed(tripMs, target.maxMs, { verb: "answered", detail: "answered a ping" });
};

/** A unit of this machine, as systemd knows it. */
export const probeSystemd: Probe<SystemdTarget> = async (target, place) => {
  const started = performance.now();
  const command: Command = [
    "systemctl",
    "show",
    "--property=LoadState,ActiveState,SubState,Result",
    "--",
    target.unit,
  ];
  const outcome = await run(command, target.timeoutMs, place);
  const ms = elapsedMs(started);
  if (outcome.kind !== "ended" || outcome.exitCode !== 0) {
    throw notMade(target.name, "systemd does not answer", "This machine may not run systemd");
  }
  const properties = new Map(
    [...outcome.output.matchAll(/^([A-Za-z]+)=([a-z-]{0,40})$/gm)].map(
      ([, key = "", value = ""]) => [key, value],
    ),
  );
  const down = (reason: string) => ({ ok: false, ms, fault: "down", reason }) as const;
  const active = properties.get("ActiveState");
  if (active === undefined) throw notMade(target.name, "systemd does not answer");
  if (properties.get("LoadState") === "not-found") return down("there is no such unit");
  const sub = properties.get("SubState");
  if (["active", "reloading", "refreshing"].includes(active)) {
    return { ok: true, ms, detail: `unit is ${active}${sub ? ` (${sub})` : ""}` };
  }
  const result = properties.get("Result");
  const why = result && result !== "success" ? result : sub;
  return down(`unit is ${active}${why ? ` (${why})` : ""}`);
};

async function run(
  command: Command,
  timeoutMs: number,
  { signal, workshop }: ProbePlace,
): Promise<Exclude<CommandOutcome, { kind: "timed-out" }>> {
  // The probe's own timeout ends it, by the signal.
  const limits = { command, cwd: workshop.baseDir, timeoutMs: timeoutMs * 2, signal };
  const outcome = await runCommand(limits);
  if (outcome.kind === "timed-out") throw new Error("a program outlived its probe");
  return outcome;
}

const notMade = (name: string, why: string, hint?: string): AdapterError =>
  new AdapterError("PROBE_NOT_MADE", `${name} could not be probed: ${why}`, {
    ...(hint !== undefined && { hint }),
  });
