import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "../../domain/errors.ts";
import { databasePath, hasDatabase, whyUnusableStateDir } from "../../store/database.ts";
import { readStore, type CommandContext } from "../context.ts";
import { enumerated, isOpenToOthers, octal } from "./permissions.ts";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";

const name = "state";

/** The state directory: usable, and nobody else's. */
export function diagnoseStateDir({ stateDir }: CommandContext): Diagnosis[] {
  const trouble = whyUnusableStateDir(stateDir);
  if (trouble) return [fail(name, describeError(trouble))];
  if (!existsSync(stateDir)) return [ok(name, `${stateDir} will be made at the first start`)];
  const { mode, uid } = statSync(stateDir);
  const files = readdirSync(stateDir).flatMap((file) => {
    const stats = lstatSync(join(stateDir, file), { throwIfNoEntry: false });
    return stats && !stats.isDirectory() ? [{ file, ...stats }] : [];
  });
  const open = files.filter((file) => isSecret(file.file) && isOpenToOthers(file.mode));
  const foreign = files.filter((file) => file.uid !== uid);
  const troubles = [
    ...((mode & 0o777) === 0o700
      ? []
      : [
          `${stateDir} is open to others (mode ${octal(mode)}); chmod 700 it, or start the daemon, which does`,
        ]),
    ...(open.length === 0
      ? []
      : [`others may read ${namesOf(open)} in ${stateDir}; chmod 600 what is theirs no business`]),
    ...(foreign.length === 0
      ? []
      : [
          `${namesOf(foreign)} in ${stateDir} belongs to another user than the directory (uid ${uid}); chown it to that one, which the daemon runs as`,
        ]),
  ];
  return troubles.length === 0
    ? [ok(name, stateDir)]
    : troubles.map((message) => warn(name, message));
}

const isSecret = (file: string): boolean =>
  /^(?:watchkeeper\.db.*|control\.sock|.*-token|.*-secret)$/.test(file);

const namesOf = (files: readonly { readonly file: string }[]): string =>
  enumerated(files.map(({ file }) => file));

/** The file can be read, and is of this version's schema. */
export async function diagnoseDatabase(context: CommandContext): Promise<Diagnosis> {
  const path = databasePath(context.stateDir);
  try {
    if (!hasDatabase(context.stateDir)) return ok("database", "none yet; made at the first start");
    await using store = readStore(context);
    await store?.status();
    return ok("database", `${path}, of this version's schema`);
  } catch (error) {
    const say = isOlder(error) ? warn : fail;
    return say("database", describeError(error));
  }
}

/** It was written by an older version, and is brought up to date at the next start. */
export const isOlder = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "DATABASE_OLDER";
