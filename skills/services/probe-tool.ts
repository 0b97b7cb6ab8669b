import { defineTool, ToolError, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import { namedTarget } from "./named-target.ts";
import { probeTimeout } from "./observe.ts";
import { runProbe } from "./probes/index.ts";
import type { Workshop } from "./probes/probe.ts";
import { addressOf } from "./target.ts";

/** Lets the agent look again. What comes back is measured by us: no word of the server is in it. */
export function probeTool(config: ServicesConfig, workshop: Workshop): AnyTool {
  const longestMs = Math.max(0, ...config.targets.map(({ timeoutMs }) => timeoutMs));
  return defineTool({
    description:
      "Probe one watched service now. Returns whether it answers, how fast, and why not.",
    effect: "read",
    trust: "trusted",
    timeout: probeTimeout(longestMs),
    input: z.strictObject({
      target: z.string().max(64).describe("Its name, as in services/NAME"),
    }),
    async run({ target: name }, { signal, now }) {
      const target = namedTarget(config, name);
      if (target.kind === "push") {
        throw new ToolError("SERVICES_NOT_PROBED", `${name} reports by itself`, {
          hint: "services_history says when it last did",
        });
      }
      const probe = await runProbe(target, { signal, now, workshop });
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
