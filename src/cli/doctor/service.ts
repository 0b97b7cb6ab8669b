import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { unaskable } from "../service/asked-units.ts";
import { lingers, readState, showWords, type Scope, type UnitState } from "../service/systemctl.ts";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";

/** What a service manager says of the unit; nothing where there is no systemd, or no unit. */

const name = "service";
const unit = "watchkeeper";
const patienceMs = 5_000;

/** @param asked the names of targets that are asked of systemd by a user that D-Bus would have to know */
export async function diagnoseService(
  signal: AbortSignal,
  asked: readonly string[],
): Promise<Diagnosis[]> {
  const found = await Promise.all(
    (["system", "user"] as const).map(async (scope) => {
      const state = await show(scope, signal);
      return state === undefined ? [] : judgeUnit(state, { scope, lingers: lingers(), asked });
    }),
  );
  return found.flat();
}

/** @returns undefined where this manager cannot be asked */
async function show(scope: Scope, signal: AbortSignal): Promise<UnitState | undefined> {
  const words = showWords(unit);
  try {
    const { stdout } = await promisify(execFile)(
      "systemctl",
      scope === "user" ? ["--user", ...words] : words,
      { signal, timeout: patienceMs },
    );
    return readState(stdout);
  } catch {
    return undefined;
  }
}

export function judgeUnit(
  { load, active, sub, result, enabled: unitFile, madeUpUser }: UnitState,
  {
    scope,
    lingers,
    asked = [],
  }: { readonly scope: Scope; readonly lingers: boolean; readonly asked?: readonly string[] },
): Diagnosis[] {
  if (load === "" || load === "not-found") return [];
  const option = scope === "user" ? " --user" : "";
  const journal = `journalctl${option} --unit ${unit}`;
  const systemctl = (verb: string): string => `systemctl${option} ${verb} ${unit}`;
  const what = scope === "user" ? "the user's unit" : "the unit";
  if (load === "masked") return [warn(name, `${what} is masked; ${systemctl("unmask")}`)];
  if (load !== "loaded") {
    return [fail(name, `${what} cannot be loaded (${load}); ${systemctl("status")} says why`)];
  }
  const how = `${active} (${sub})`;
  if (active === "failed") {
    return [fail(name, `${what} has failed (${result}); ${journal} says why`)];
  }
  // Between two attempts of a service that ends again and again.
  if (sub === "auto-restart") {
    return [fail(name, `${what} has ended and is started again; ${journal} says why`)];
  }
  const enabled = unitFile.startsWith("enabled");
  const troubles = [
    ...(active === "active" || active === "activating" || active === "reloading"
      ? []
      : [`${what} is ${how}; ${systemctl("start")}`]),
    ...(enabled ? [] : [`${what} is not started with the machine; ${systemctl("enable")}`]),
    ...(enabled && scope === "user" && !lingers
      ? [`${what} ends when you log out; loginctl enable-linger`]
      : []),
    ...(madeUpUser && asked.length > 0 ? [unaskable(asked)] : []),
  ];
  return troubles.length === 0
    ? [ok(name, `${what} is ${how} and enabled`)]
    : troubles.map((message) => warn(name, message));
}
