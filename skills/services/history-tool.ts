import { defineTool, formatDuration, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import { isoOrNull, memoryOf, stateOf } from "./list-tool.ts";
import type { Incident } from "./memory.ts";
import { namedTarget } from "./named-target.ts";
import { addressOf } from "./target.ts";
import { uptimeOver } from "./uptime.ts";
import type { Uptime } from "./uptime.ts";

const dayMs = 86_400_000;
const mostShown = 20;

/** How one target has fared: uptime and incidents, as its check keeps them for a year. */
export function historyTool(config: ServicesConfig): AnyTool {
  return defineTool({
    description:
      "Uptime of one service over 24 h, 7 d, 30 d and a year, and its incidents, the last one first.",
    effect: "read",
    trust: "trusted",
    input: z.strictObject({
      target: z.string().max(64).describe("Its name, as in services/NAME"),
      days: z.int().min(1).max(366).optional().describe("Only incidents of so many last days"),
    }),
    async run({ target: name, days = 366 }, context) {
      const target = namedTarget(config, name);
      const memory = await memoryOf(target, context);
      const about = { target: name, kind: target.kind, address: addressOf(target) };
      if (!memory) return { ...about, state: stateOf(memory), note: "no look has been made yet" };
      const now = context.now.getTime();
      const incidents = memory.incidents.filter(
        ({ end }) => end === null || end > now - days * dayMs,
      );
      return {
        ...about,
        state: stateOf(memory),
        watchedSince: isoOrNull(memory.uptime.from),
        last: memory.last && {
          at: isoOrNull(memory.last.at),
          ok: memory.last.ok,
          ms: memory.last.ms,
          measured: memory.last.measured,
        },
        uptime: {
          "24h": describeUptime(memory.uptime, 1),
          "7d": describeUptime(memory.uptime, 7),
          "30d": describeUptime(memory.uptime, 30),
          "365d": describeUptime(memory.uptime, 365),
        },
        incidentCount: incidents.length,
        incidents: incidents
          .slice(-mostShown)
          .toReversed()
          .map((incident) => describeIncident(incident, now)),
      };
    },
  });
}

function describeUptime(uptime: Uptime, days: number) {
  const { share, downMs, seenMs } = uptimeOver(uptime, days * dayMs);
  return {
    // Never rounded up to a hundred: that would hide an incident.
    percent: share === null ? null : Math.floor(share * 1e5) / 1e3,
    down: formatDuration(downMs),
    seen: formatDuration(seenMs),
  };
}

function describeIncident({ start, end, fault, reason, restarts }: Incident, now: number) {
  return {
    start: isoOrNull(start),
    end: isoOrNull(end),
    duration: formatDuration((end ?? now) - start),
    fault,
    reason,
    ...(restarts > 0 && { restarts }),
  };
}
