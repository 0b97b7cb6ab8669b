import { describeError } from "../../domain/errors.ts";
import { isLocked } from "../../store/index.ts";
import type { StatusView } from "../../views/status.ts";
import { readStatus } from "../commands/status.ts";
import type { CommandContext } from "../context.ts";
import { shortTime } from "../text.ts";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";
import { isOlder } from "./state-directory.ts";

const name = "daemon";
const notRunning = warn(name, "not running; start it with `watchkeeper start`");

/** Whether it runs and is well, when its last beat was, and whether it is held back. */
export async function diagnoseDaemon(context: CommandContext): Promise<Diagnosis[]> {
  try {
    const status = await readStatus(context);
    return [health(status), ...lastBeat(status), ...pause(status)];
  } catch (error) {
    // That is said of the database; nobody runs on it.
    if (isOlder(error) && !isLocked(context.stateDir)) return [notRunning];
    return [fail(name, describeError(error))];
  }
}

function health({ running, healthy, pid, problems }: StatusView): Diagnosis {
  if (!running) return notRunning;
  if (healthy) return ok(name, `running, pid ${pid ?? "?"}`);
  return fail(name, `${problems.join("; ")}. \`watchkeeper status\` says more`);
}

const time = (iso: string, timezone: string): string =>
  shortTime(Date.parse(iso), Date.now(), timezone);

/** Whether it was too long ago is a matter of the daemon's health. */
function lastBeat({ beat: { last, next }, timezone }: StatusView): Diagnosis[] {
  if (last === null) return [];
  return [
    ok(
      "beat",
      `the last at ${time(last, timezone)}${next === null ? "" : `, the next at ${time(next, timezone)}`}`,
    ),
  ];
}

function pause({ pause: paused, timezone }: StatusView): Diagnosis[] {
  if (!paused) return [];
  const message = `paused since ${time(paused.since, timezone)}: no model is asked and nothing is done; \`watchkeeper resume\` lifts it`;
  return [warn("pause", message)];
}
