import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { WatchkeeperError } from "../../domain/errors.ts";
import { oneLine } from "../../domain/plain-text.ts";

/** What systemd, or a user's own systemd, is asked. */

export type Scope = "system" | "user";

export interface Systemctl {
  /** @throws WatchkeeperError with what systemd said, when it does not do it. */
  do(...words: string[]): Promise<void>;
  /** How the unit stands. @throws WatchkeeperError when systemd cannot be asked. */
  show(unit: string): Promise<UnitState>;
}

export interface UnitState {
  /** `loaded`, `not-found`, `bad-setting` and so on. */
  readonly load: string;
  /** `active`, `activating`, `deactivating`, `inactive`, `failed`. */
  readonly active: string;
  readonly sub: string;
  /** Why it ended last: `success`, `exit-code`, `watchdog`, `signal`, `timeout` and so on. */
  readonly result: string;
  /** `enabled`, `disabled`; empty without a unit file. */
  readonly enabled: string;
  readonly pid: number | null;
  /** How often it was started again since it was started by hand. */
  readonly restarts: number;
  /** The daemon's own word for it. */
  readonly text: string;
  /** Its user is made up at each start. */
  readonly madeUpUser: boolean;
}

/** Whether the user's services go on when nobody is logged in. */
export function lingers(): boolean {
  try {
    return existsSync(`/var/lib/systemd/linger/${userInfo().username}`);
  } catch {
    // A user id without a name.
    return false;
  }
}

const patienceMs = 10_000;
/** Starting and stopping wait for the daemon, which the unit itself bounds. */
const jobPatienceMs = 6 * 60_000;

/** @throws WatchkeeperError where no systemd runs */
export function openSystemctl(scope: Scope): Systemctl {
  if (!existsSync("/run/systemd/system")) {
    throw new WatchkeeperError("SERVICE_NO_SYSTEMD", "systemd does not run here", {
      hint: "`watchkeeper service install --dry-run` prints the unit; another service manager can run `watchkeeper start`",
    });
  }
  const flags = scope === "user" ? ["--user"] : [];
  const ask = async (timeout: number, ...words: string[]): Promise<string> => {
    const { code, output, errors } = await run([...flags, "--no-ask-password", ...words], timeout);
    if (code === 0) return output;
    const said = oneLine(errors || output || `exit code ${code}`, 500);
    throw new WatchkeeperError("SERVICE_SYSTEMCTL", `systemctl ${words.join(" ")} said: ${said}`, {
      hint:
        scope === "user"
          ? "`--user` needs a session of that user: log in as them, and do not use sudo or su"
          : "See `systemctl status watchkeeper` and `journalctl -u watchkeeper -n 50`",
    });
  };
  return {
    async do(...words) {
      await ask(jobPatienceMs, ...words);
    },
    async show(unit) {
      return readState(await ask(patienceMs, ...showWords(unit)));
    },
  };
}

const properties = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "UnitFileState",
  "MainPID",
  "NRestarts",
  "StatusText",
  "DynamicUser",
];

/** What `systemctl` is called with for {@link readState}. */
export const showWords = (unit: string): string[] => [
  ...["show", unit, "--no-pager"],
  `--property=${properties.join(",")}`,
];

/** Reads the lines `NAME=VALUE` that `systemctl show` prints. */
export function readState(text: string): UnitState {
  const values = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const value = (name: string) => values.get(name) ?? "";
  return {
    load: value("LoadState"),
    active: value("ActiveState"),
    sub: value("SubState"),
    result: value("Result"),
    enabled: value("UnitFileState"),
    pid: Number(value("MainPID")) || null,
    restarts: Number(value("NRestarts")) || 0,
    text: value("StatusText"),
    madeUpUser: value("DynamicUser") === "yes",
  };
}

function run(
  words: readonly string[],
  timeout: number,
): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
  return new Promise((resolve, reject) => {
    execFile("systemctl", words, { timeout }, (error, output, errors) => {
      if (error?.code === "ENOENT") reject(new Error("there is no systemctl", { cause: error }));
      else resolve({ code: error ? Number(error.code ?? 1) || 1 : 0, output, errors });
    });
  });
}
