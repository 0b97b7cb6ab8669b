/** The text of the systemd unit; nothing here looks at the machine. */

export interface UnitSettings {
  /** The Node that runs it. */
  readonly node: string;
  /** `bin/watchkeeper.js` of the package. */
  readonly bin: string;
  readonly config: string;
  readonly workingDirectory: string;
  readonly service: SystemService | UserService;
}

/** For the whole machine: a user of its own, which sees no more than it must. */
export interface SystemService {
  readonly kind: "system";
  /** `own` is kept and owned by systemd; a directory belongs to `user`, as whom the service runs. */
  readonly state: { readonly own: true } | { readonly directory: string; readonly user: string };
  readonly credentials: readonly Credential[];
  /** What it must read in home folders, which it does not see otherwise. */
  readonly homePaths: readonly string[];
}

/** Of one user, run by that user's own manager. */
interface UserService {
  readonly kind: "user";
  readonly stateDir: string;
}

/** A file that systemd reads for the service, which need not be allowed to. */
export interface Credential {
  readonly name: string;
  readonly file: string;
}

/** Where the state of a service is that was given no directory. */
const ownStateDir = "/var/lib/watchkeeper";

const unitMark = "# Written by `watchkeeper service install`";

export function buildUnit(settings: UnitSettings): string {
  const { config, service } = settings;
  const isSystem = service.kind === "system";
  const sections = [
    [
      `${unitMark}, which writes it anew.`,
      "# Settings of your own go into a drop-in: " +
        `\`systemctl ${isSystem ? "" : "--user "}edit watchkeeper\`.`,
    ],
    [
      "[Unit]",
      "Description=Watchkeeper, an agent that keeps watch",
      ...(isSystem ? ["Wants=network-online.target", "After=network-online.target"] : []),
      `RequiresMountsFor=${quoted(config)} ${quoted(settings.bin)}`,
      "# A watch that is given up is silence: however often it fails, it is started again.",
      "StartLimitIntervalSec=0",
    ],
    ["[Service]", ...process(settings), ...(isSystem ? systemRights(service) : userRights)],
    ["[Install]", `WantedBy=${isSystem ? "multi-user.target" : "default.target"}`],
    // systemd leaves sections alone that begin so; `service status` reads it.
    ["[X-Watchkeeper]", `State=${stateDirOf(service)}`, `Config=${config}`],
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** What is not ours may have been written with care: it is never replaced. */
export const isOwnUnit = (text: string): boolean => text.startsWith(unitMark);

/** The state directory of a unit that {@link buildUnit} has made. */
export const stateDirIn = (unit: string): string | undefined =>
  /^\[X-Watchkeeper\]\nState=(.*)$/m.exec(unit)?.[1];

export function stateDirOf(service: UnitSettings["service"]): string {
  if (service.kind === "user") return service.stateDir;
  return "own" in service.state ? ownStateDir : service.state.directory;
}

function process({ node, bin, config, workingDirectory, service }: UnitSettings): string[] {
  const state =
    service.kind === "system" && "own" in service.state ? [] : ["--state", stateDirOf(service)];
  // The colon: a dollar in a path is no variable.
  const words = [`:${node}`, bin, "start", "--config", config, ...state];
  return [
    "Type=notify",
    "# `systemd-notify` speaks for the daemon, from a process of its own.",
    "NotifyAccess=all",
    `ExecStart=${words.map(quoted).join(" ")}`,
    `WorkingDirectory=${percents(workingDirectory)}`,
    "# Else the allocator keeps memory back for each thread, which the daemon mostly has for nothing.",
    "Environment=MALLOC_ARENA_MAX=2",
    "SyslogIdentifier=watchkeeper",
    "# Up after the first beat; an upgrade may have to copy a large database before it.",
    "TimeoutStartSec=5min",
    "# Above what the daemon gives itself to end what is under way.",
    "TimeoutStopSec=45s",
    "KillMode=mixed",
    "# Fed by turns of the heartbeat. Killed hard: nothing is lost by it, and a core would hold secrets.",
    "WatchdogSec=2min",
    "WatchdogSignal=SIGKILL",
    "LimitCORE=0",
    "Restart=always",
    "# 2 is a configuration that nobody but you can mend.",
    "RestartPreventExitStatus=2",
    "# Ever more rarely; before systemd 254 always after the first of these waits.",
    "RestartSec=10s",
    "RestartSteps=6",
    "RestartMaxDelaySec=5min",
    "UMask=0077",
  ];
}

function systemRights({ state, credentials, homePaths }: SystemService): string[] {
  const hides = homePaths.length > 0;
  return [
    ...("own" in state
      ? [
          "DynamicUser=yes",
          "User=watchkeeper",
          "StateDirectory=watchkeeper",
          "StateDirectoryMode=0700",
        ]
      : [
          `User=${state.user}`,
          `${isBelowHome(state.directory) ? "BindPaths" : "ReadWritePaths"}=${quoted(state.directory)}`,
        ]),
    ...credentials.map(({ name, file }) => `LoadCredential=${name}:${percents(file)}`),
    `ProtectHome=${hides || ("directory" in state && isBelowHome(state.directory)) ? "tmpfs" : "yes"}`,
    ...homePaths.map((path) => `BindReadOnlyPaths=${quoted(path)}`),
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "RemoveIPC=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "DevicePolicy=closed",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    ...userRights,
  ];
}

/** What a user's own manager, which has no privileges, can still take away. Not MemoryDenyWriteExecute: Node crashes. */
const userRights: readonly string[] = [
  "NoNewPrivileges=yes",
  "KeyringMode=private",
  "LockPersonality=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  "# With these a program such as ping gives up rights; there are none to be gained.",
  "SystemCallFilter=capset @setuid",
  "SystemCallErrorNumber=EPERM",
];

/** Folders that a service for the machine does not see. */
export const isBelowHome = (path: string): boolean =>
  /^\/(?:home|root|run\/user)(?:\/|$)/.test(path);

/** Whether a path can stand in a unit at all: its lines end at a line break, whatever is quoted. */
export const isWritable = (path: string): boolean =>
  !/\p{Cc}/u.test(path) && path === path.trim() && !path.endsWith("\\");

const percents = (text: string): string => text.replaceAll("%", "%%");

/** Quotes also keep a colon from parting source and target of a bind mount. */
const quoted = (text: string): string =>
  `"${percents(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
