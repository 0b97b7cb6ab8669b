import { defineTool, ToolError, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import { addressOf, probeTimeout } from "./observe.ts";
import { runProbe } from "./probes/index.ts";

/** Lets the agent look again. What comes back is measured by us: no word of the server is in it. */
export function probeTool({ targets, timeoutMs }: ServicesConfig): AnyTool {
  return defineTool({
    description:
      "Probe one watched service now. Returns whether it answers, how fast, and why not.",
    effect: "read",
    trust: "trusted",
    timeout: probeTimeout(timeoutMs),
    input: z.strictObject({ target: z.string().describe("Its name, as in services/NAME") }),
    async run({ target: name }, { signal, now }) {
      const target = targets.find((candidate) => candidate.name === name);
      if (!target) {
        const known = targets.map((candidate) => candidate.name).join(", ");
        throw new ToolError("SERVICES_UNKNOWN_TARGET", "No watched service has that name", {
          hint: known ? `Known names: ${known}` : "No service is configured",
        });
      }
      const probe = await runProbe(target, { timeoutMs, signal, now });
      const { certificate } = probe;
      return {
        target: name,
        kind: target.kind,
        address: addressOf(target),
        ok: probe.ok,
        ms: probe.ms,
        measured: probe.ok ? probe.detail : probe.reason,
        ...(certificate && {
          certificate: {
            validTo: new Date(certificate.validTo).toISOString(),
            daysLeft: certificate.daysLeft,
          },
        }),
      };
    },
  });
}
