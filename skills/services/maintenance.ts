import { Cron } from "croner";
import type { MaintenanceWindow } from "./target.ts";

/** Whether the owner works on the target, as planned. */

/** Cheap to ask: the times of each window are worked out once. */
export function maintenanceCalendar(timezone: string): {
  isOpen(windows: readonly MaintenanceWindow[], now: number): boolean;
} {
  const remembered = new Map<string, { cron: Cron; after: number; start: number }>();

  /** The first start of the window after the instant. */
  function startAfter({ cron: expression, durationMs }: MaintenanceWindow, after: number): number {
    const key = `${durationMs} ${expression}`;
    let known = remembered.get(key);
    if (!known) {
      const cron = new Cron(expression, { timezone, paused: true });
      known = { cron, after: Number.POSITIVE_INFINITY, start: 0 };
      remembered.set(key, known);
    }
    // No start lies between `after` and `start`.
    if (after < known.after || after >= known.start) {
      known.after = after;
      known.start = known.cron.nextRun(new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY;
    }
    return known.start;
  }

  return {
    isOpen: (windows, now) =>
      windows.some((window) => startAfter(window, now - window.durationMs) <= now),
  };
}
