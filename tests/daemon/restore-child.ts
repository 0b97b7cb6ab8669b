import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { packageInfo } from "../../src/config/package.ts";
import { restore } from "../../src/store/index.ts";

/**
 * Puts a backup back, and ends itself with SIGKILL before the given change of a name on the disk:
 * `restore-child STATE FILE NUMBER`. Prints how many there were.
 */
const [stateDir = "", file = "", number = "0"] = process.argv.slice(2);
let changes = 0;

function counted<Arguments extends unknown[]>(change: (...args: Arguments) => void) {
  return (...args: Arguments): void => {
    changes += 1;
    if (changes === Number(number)) process.kill(process.pid, "SIGKILL");
    change(...args);
  };
}
fs.renameSync = counted(fs.renameSync);
fs.linkSync = counted(fs.linkSync);
syncBuiltinESMExports();

const { migrationsDir } = packageInfo();
await restore(stateDir, file, { migrationsDir, stamp: "20261127-081500" });
process.stdout.write(String(changes));
