import { z } from "watchkeeper";
import type { CheckDefinition } from "watchkeeper";
import type { ReferenceTarget } from "./config.ts";
import { decideHealth, healthSchema, wellHealth } from "./health.ts";
import { probeTimeout } from "./observe.ts";
import { runProbe } from "./probes/index.ts";
import type { Workshop } from "./probes/probe.ts";
import { addressOf } from "./target.ts";

const cursorSchema = z.object({ health: healthSchema });

/** Looks at our own connection: while it is gone nothing outside is judged, and that is said once. */
export function referenceCheck(reference: ReferenceTarget, workshop: Workshop): CheckDefinition {
  return {
    every: `${reference.everyMs / 1_000}s`,
    timeout: probeTimeout(reference.timeoutMs),
    async observe({ cursor, signal, now }) {
      const known = cursorSchema.safeParse(cursor);
      const before = known.success ? known.data.health : wellHealth;
      const probe = await runProbe(reference, { signal, now, workshop });
      const decision = decideHealth(before, probe, reference, now.getTime());
      const { health } = decision;
      if (decision.kind !== "down") {
        const gone = decision.kind === "well" ? ["offline"] : [];
        return { observations: [], gone, cursor: { health } };
      }
      const { lastReason, since } = decision.trouble;
      const observation = {
        key: "offline",
        severity: reference.severity,
        title: `No connection: the reference ${addressOf(reference)} does not answer: ${lastReason}`,
        text: "Until it answers again, no service outside is judged.",
        data: { since: new Date(since).toISOString() },
        trust: "trusted" as const,
        fingerprint: `offline:${since}`,
        since: new Date(since),
      };
      return { observations: [observation], cursor: { health } };
    },
  };
}
