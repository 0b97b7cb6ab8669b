import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where this package lies and which version it is, from source as from the bundle. */
export interface PackageInfo {
  readonly root: string;
  readonly version: string;
  readonly migrationsDir: string;
  /** Folder of the built-in skills: built ones when they are there. */
  readonly builtinSkillsDir: string;
}

export function packageInfo(): PackageInfo {
  let root = import.meta.dirname;
  while (!existsSync(join(root, "package.json"))) {
    const parent = dirname(root);
    if (parent === root) throw new Error("watchkeeper's package.json is not above its code");
    root = parent;
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  return {
    root,
    version,
    migrationsDir: join(root, "migrations"),
    builtinSkillsDir: join(root, "dist", "skills"),
  };
}
