import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parseEnv } from "node:util";
import { dotEnvName } from "../../config/secret.ts";
import { ConfigError } from "../../domain/errors.ts";
import type { CommandContext } from "../context.ts";
import { whatHides, type Reader } from "./readable.ts";
import type { Scope } from "./systemctl.ts";
import {
  isBelowHome,
  isWritable,
  stateDirOf,
  type Credential,
  type SystemService,
  type UnitSettings,
} from "./unit.ts";

/** From what a command means to the settings of its unit, and what stands in its way. */

export interface ServicePlan {
  readonly scope: Scope;
  readonly settings: UnitSettings;
  readonly stateDir: string;
  /** Why it would not run, each in one line with its mend. */
  readonly problems: readonly string[];
  /** Said, and no reason not to go on. */
  readonly warnings: readonly string[];
}

export const unitName = "watchkeeper.service";

export function unitPath(scope: Scope, { environment }: CommandContext): string {
  if (scope === "system") return `/etc/systemd/system/${unitName}`;
  const home = environment.XDG_CONFIG_HOME || join(environment.HOME ?? "/", ".config");
  return join(home, "systemd", "user", unitName);
}

/** @throws ConfigError for a path that no unit can name */
export function planService(scope: Scope, context: CommandContext): ServicePlan {
  const { configFile, packageInfo, given, environment } = context;
  const { root } = packageInfo;
  const node = process.execPath;
  const bin = join(root, "bin", "watchkeeper.js");
  const workingDirectory = dirname(configFile);
  const paths = { node, bin, config: configFile, workingDirectory };
  if (scope === "user") {
    const { stateDir } = context;
    refuseUnwritable([...Object.values(paths), stateDir]);
    return {
      ...{ scope, stateDir, problems: [], warnings: [] },
      settings: { ...paths, service: { kind: "user", stateDir } },
    };
  }
  const isOwn = !(given.state ?? environment.WATCHKEEPER_STATE);
  const directory = context.stateDir;
  const credentials = credentialsBeside(configFile);
  const service: SystemService = {
    kind: "system",
    state: isOwn ? { own: true } : { directory, user: ownerOf(directory) },
    credentials,
    homePaths: outermost([node, withItsPackages(root), workingDirectory].filter(isBelowHome)),
  };
  const settings = { ...paths, service };
  const stateDir = stateDirOf(service);
  const written = [...Object.values(paths), stateDir, ...credentials.map(({ file }) => file)];
  refuseUnwritable(written);
  return {
    ...{ scope, stateDir, settings },
    problems: [
      ...written.filter(isTemporary).map((path) => `${path} ${temporary}`),
      ...(isOwn ? [] : stateProblems(directory)),
      ...unreadable(settings, service, root),
    ],
    warnings: [...warningsOf(node, root), ...(isOwn ? leftBehind(directory) : [])],
  };
}

const temporary =
  "lies in a temporary folder, of which a service has its own; move it, to /etc/watchkeeper say";
const isTemporary = (path: string): boolean => /^\/(?:var\/)?tmp\//.test(path);

/** In a project the packages that it needs lie beside it. */
const withItsPackages = (root: string): string =>
  basename(dirname(root)) === "node_modules" ? dirname(root) : root;

/** What keeps the service's user from the files that it needs, each in one line with its mend. */
function unreadable(
  { node, bin, config }: Pick<UnitSettings, "node" | "bin" | "config">,
  { state, homePaths }: SystemService,
  packageRoot: string,
): string[] {
  const reader = "own" in state ? dynamicUser : readerNamed(state.user);
  const needed = [node, bin, join(packageRoot, "package.json"), join(packageRoot, "dist"), config];
  return needed.flatMap((path) => {
    if (!existsSync(path)) return [`${path} is not there`];
    const closed = whatHides(
      realpathSync(path),
      reader,
      homePaths.find((home) => isWithin(path, home)),
    );
    if (closed === undefined) return [];
    const mode = (statSync(closed).mode & 0o777).toString(8);
    return [
      `${reader.name} may not read ${path}, because ${closed} has mode ${mode}; \`chmod o+rX\` it, or install with --user`,
    ];
  });
}

/** Made up by systemd at each start. */
const dynamicUser: Reader = { name: "the service's user", uid: null, groups: [] };

function readerNamed(user: string): Reader {
  const ids = (option: string) => askId(option, user)?.split(" ").map(Number) ?? [];
  // One without an entry of its own is named by its number.
  const [uid = Number.isInteger(Number(user)) ? Number(user) : null] = ids("-u");
  return { name: user, uid, groups: ids("-G") };
}

/** @returns undefined when there is no such user */
function askId(option: string, user: string): string | undefined {
  try {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    return execFileSync("id", [option, "--", user], { encoding: "utf8", stdio: [...stdio] }).trim();
  } catch {
    return undefined;
  }
}

/** Whose the state directory is, or would be if it were made. */
function ownerOf(directory: string): string {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  return userNamed(statSync(existing).uid);
}

function stateProblems(directory: string): string[] {
  if (!existsSync(directory)) {
    return [
      `there is no ${directory}; make it for the user that the service is to run as: \`install -d -m 700 -o USER ${directory}\``,
    ];
  }
  const { uid } = statSync(directory);
  if (uid === 0) {
    return [
      `${directory} belongs to root, whose rights a service has no need of; \`chown -R USER\` it, or leave --state out`,
    ];
  }
  const foreign = namesIn(directory).find((name) => lstatSync(join(directory, name)).uid !== uid);
  return foreign === undefined
    ? []
    : [
        `${join(directory, foreign)} belongs to somebody else than its folder; \`chown -R ${userNamed(uid)} ${directory}\``,
      ];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Root, who installs, can.
    return [];
  }
}

const userNamed = (uid: number): string => askId("-un", String(uid)) ?? String(uid);

/** `.env`, and each file that a line `NAME_FILE=…` of it names. */
function credentialsBeside(configFile: string): Credential[] {
  const file = join(dirname(configFile), dotEnvName);
  if (!existsSync(file)) return [];
  const named = Object.entries(variablesOf(file)).flatMap(([name, path]) => {
    const secret = /^(\w+)_FILE$/.exec(name)?.[1];
    return secret && path ? { name: secret, file: resolve(path) } : [];
  });
  return [{ name: dotEnvName, file }, ...named];
}

/** Whoever only looks at the unit need not be allowed to read it. */
function variablesOf(file: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

function refuseUnwritable(paths: readonly string[]): void {
  const odd = paths.find((path) => !isWritable(path));
  if (odd === undefined) return;
  throw new ConfigError("SERVICE_PATH_ODD", `a unit cannot name ${JSON.stringify(odd)}`, {
    hint: "Give it a name without line breaks, and without a space or a backslash at its end",
  });
}

/** Of several folders those that no other one contains. */
const outermost = (paths: readonly string[]): string[] => [
  ...new Set(
    paths.filter((path) => !paths.some((other) => other !== path && isWithin(path, other))),
  ),
];

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}

function warningsOf(node: string, packageRoot: string): string[] {
  return [
    ...(isBelowHome(node)
      ? [
          `Node lies in a home folder (${node}): when its owner updates it, the service no longer finds it. Better install Node for the machine, or the service with --user`,
        ]
      : []),
    ...(isBelowHome(packageRoot)
      ? [
          `watchkeeper lies in a home folder (${packageRoot}): its owner decides what the service runs. Better \`npm install -g\` it, or install the service with --user`,
        ]
      : []),
    ...(/\/_npx\//.test(packageRoot)
      ? ["this is npx's copy, which it may remove at any time; install it with `npm install -g`"]
      : []),
    ...(existsSync(join(packageRoot, "src"))
      ? ["this is a checkout: the service cannot build it; `npm run build` after each change"]
      : []),
  ];
}

/** What was seen before stays where it is: the service would begin anew. */
function leftBehind(stateDir: string): string[] {
  if (!existsSync(join(stateDir, "watchkeeper.db"))) return [];
  return [
    `the state in ${stateDir} is not the service's, which begins anew; to go on with it: \`chown -R USER\` it and add --state ${stateDir}`,
  ];
}
