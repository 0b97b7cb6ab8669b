import { existsSync, readFileSync } from "node:fs";
import type { ResolvedConfig } from "../../config/load.ts";

/** What of a configuration is asked of systemd over D-Bus, which must know the user that asks. */

interface Target {
  readonly name?: unknown;
  readonly systemd?: unknown;
  readonly restart?: { readonly command?: unknown };
}

/** The names of the targets that do; the services skill itself has checked the rest of them. */
export function askedUnits({ skills }: Pick<ResolvedConfig, "skills">): string[] {
  const { targets = [] } = (skills.get("services") ?? {}) as { targets?: readonly Target[] };
  return targets
    .filter(({ systemd, restart }) => systemd !== undefined || isSystemctl(restart?.command))
    .map(({ name }) => String(name));
}

const isSystemctl = (command: unknown): boolean =>
  Array.isArray(command) && /^(?:.*\/)?systemctl$/.test(String(command[0]));

/** Where it was measured that D-Bus does not know users that systemd makes up; of other systems it is not known. */
export function refusesMadeUpUsers(osRelease = "/etc/os-release"): boolean {
  if (!existsSync(osRelease)) return false;
  const text = readFileSync(osRelease, "utf8");
  return /^ID=debian$/m.test(text) && /^VERSION_ID="?12"?$/m.test(text);
}

/** @param names of the targets that a service with a made-up user may ask for in vain */
export const unaskable = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(", ")}: to D-Bus the made-up user that the service runs as may be nobody (on Debian 12 it is), whom systemd does not answer; ` +
  "make one that lasts (`useradd --system watchkeeper`, `install -d -m 700 -o watchkeeper /var/lib/watch`) and install with --state /var/lib/watch";
