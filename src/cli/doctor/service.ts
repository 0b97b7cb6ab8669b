import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";

/** What a service manager says of the unit; nothing where there is no systemd, or no unit. */

const name = "service";
const unit = "watchkeeper";
const patienceMs = 5_000;
const asked = ["LoadState", "ActiveState", "SubState", "UnitFileState", "Result"];

type Manager = "system" | "user";

export async function diagnoseService(signal: AbortSignal): Promise<Diagnosis[]> {
  const found = await Promise.all(
    (["system", "user"] as const).map(async (manager) => {
      const shown = await show(manager, signal);
      return shown === undefined ? [] : judgeUnit(shown, { manager, lingers: lingers() });
    }),
  );
  return found.flat();
}

/** @returns undefined where this manager cannot be asked */
async function show(manager: Manager, signal: AbortSignal): Promise<string | undefined> {
  const words = ["show", unit, "--no-pager", `--property=${asked.join(",")}`];
  try {
    const { stdout } = await promisify(execFile)(
      "systemctl",
      manager === "user" ? ["--user", ...words] : words,
      { signal, timeout: patienceMs },
    );
    return stdout;
  } catch {
    return undefined;
  }
}

/** Whether the user's services go on when nobody is logged in. */
function lingers(): boolean {
  try {
    return existsSync(`/var/lib/systemd/linger/${userInfo().username}`);
  } catch {
    // A user id without a name.
    return false;
  }
}

/** @param shown lines such as `ActiveState=active` */
export function judgeUnit(
  shown: string,
  { manager, lingers }: { readonly manager: Manager; readonly lingers: boolean },
): Diagnosis[] {
  const of = new Map(
    shown.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const load = of.get("LoadState") ?? "";
  if (load === "" || load === "not-found") return [];
  const option = manager === "user" ? " --user" : "";
  const journal = `journalctl${option} --unit ${unit}`;
  const systemctl = (verb: string): string => `systemctl${option} ${verb} ${unit}`;
  const what = manager === "user" ? "the user's unit" : "the unit";
  if (load === "masked") return [warn(name, `${what} is masked; ${systemctl("unmask")}`)];
  if (load !== "loaded") {
    return [fail(name, `${what} cannot be loaded (${load}); ${systemctl("status")} says why`)];
  }
  const active = of.get("ActiveState") ?? "";
  const how = `${active} (${of.get("SubState") ?? "?"})`;
  if (active === "failed") {
    const result = of.get("Result") ?? "?";
    return [fail(name, `${what} has failed (${result}); ${journal} says why`)];
  }
  // Between two attempts of a service that ends again and again.
  if (of.get("SubState") === "auto-restart") {
    return [fail(name, `${what} has ended and is started again; ${journal} says why`)];
  }
  const enabled = (of.get("UnitFileState") ?? "").startsWith("enabled");
  const troubles = [
    ...(active === "active" || active === "activating" || active === "reloading"
      ? []
      : [`${what} is ${how}; ${systemctl("start")}`]),
    ...(enabled ? [] : [`${what} is not started with the machine; ${systemctl("enable")}`]),
    ...(enabled && manager === "user" && !lingers
      ? [`${what} ends when you log out; loginctl enable-linger`]
      : []),
  ];
  return troubles.length === 0
    ? [ok(name, `${what} is ${how} and enabled`)]
    : troubles.map((message) => warn(name, message));
}
