import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const checkout = fileURLToPath(new URL("../..", import.meta.url));

const sources: Record<string, string> = {
  "src/cli/main.ts": `import { shared } from "../domain/shared.ts";
    export async function main(argv: string[]): Promise<number> {
      if (argv[0] === "wait-then-load") {
        process.stdout.write("ready\\n");
        await new Promise((resolve) => process.stdin.once("data", resolve));
      }
      if (argv[0] === "instances") {
        const index = await import(new URL("./index.js", import.meta.url).href);
        const testing = await import(new URL("./testing.js", import.meta.url).href);
        const skill = await import(new URL("./skills/sample/index.js", import.meta.url).href);
        const config = await import(new URL("./demo.config.js", import.meta.url).href);
        const all = [index.shared, testing.shared, skill.default, config.default];
        process.stdout.write(String(all.every((one) => one === shared)));
        return 0;
      }
      const { heavy } = await import("./heavy.ts");
      process.stdout.write(heavy + argv.join(" ") + "\\n");
      return 7;
    }`,
  "src/cli/heavy.ts": `export const heavy = "first:";`,
  "src/domain/shared.ts": `export const shared = { instance: true };`,
  "src/index.ts": `export { shared } from "./domain/shared.ts";`,
  "src/testing/index.ts": `export { shared } from "../domain/shared.ts";`,
  "skills/sample/index.ts": `import { shared } from "watchkeeper"; export default shared;`,
  "skills/sample/SKILL.md": `---\nname: sample\ndescription: A sample.\n---\n`,
  "skills/prose/SKILL.md": `---\nname: prose\ndescription: Only prose.\n---\n`,
  "agent.config.ts": `import { shared } from "watchkeeper/testing"; export default shared;`,
};

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout with the real bin and build scripts and a few lines of source, in a temporary folder. */
export interface Miniature extends AsyncDisposable {
  readonly path: string;
  /** Environment for processes of the miniature: nothing is written outside of it. */
  readonly environment: NodeJS.ProcessEnv;
  run(argv?: string[], nodeOptions?: string[], node?: string): Promise<Outcome>;
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
}

export async function createMiniature(): Promise<Miniature> {
  const path = await mkdtemp(join(tmpdir(), "watchkeeper-miniature-"));
  const environment = { ...process.env, XDG_CACHE_HOME: join(path, "cache") };
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  };
  for (const part of ["bin", "scripts", "package.json"]) {
    await cp(join(checkout, part), join(path, part), { recursive: true });
  }
  for (const [name, text] of Object.entries(sources)) await write(name, text);
  await symlink(join(checkout, "node_modules"), join(path, "node_modules"));
  return {
    path,
    environment,
    write,
    read: async (name) => readFile(join(path, name), "utf8"),
    run: async (argv = [], nodeOptions = [], node = process.execPath) =>
      runProcess(node, [...nodeOptions, join(path, "bin/watchkeeper.js"), ...argv], environment),
    [Symbol.asyncDispose]: async () => rm(path, { recursive: true, force: true }),
  };
}

export async function runProcess(
  command: string,
  argv: string[],
  environment: NodeJS.ProcessEnv,
  cwd = tmpdir(),
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile(command, argv, { env: environment, cwd }, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number")
        reject(new Error(`could not run ${command}`, { cause: error }));
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
