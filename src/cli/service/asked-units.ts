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

/** Whether names of users that systemd makes up are found (libnss-systemd); without it they are nobody to D-Bus. */
export function knowsMadeUpUsers(file = "/etc/nsswitch.conf"): boolean {
  return existsSync(file) && /^passwd:.*\bsystemd\b/m.test(readFileSync(file, "utf8"));
}

/** @param names of the targets that a service with a made-up user would ask for in vain */
export const unaskable = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(", ")}: D-Bus does not know the made-up user that the service runs as, so systemd will not answer it; ` +
  "make one that lasts (`useradd --system watchkeeper`, `install -d -m 700 -o watchkeeper /var/lib/watch`) and install with --state /var/lib/watch";
