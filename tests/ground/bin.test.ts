import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir, readFile, rm, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Linter } from "eslint";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMiniature, type Miniature } from "./miniature.ts";

const built = /^watchkeeper: building… done in \d+\.\d s\n$/;
const tooOld =
  /^watchkeeper needs Node 24 or newer; this is v\d+\.\d+\.\d+\. Install Node 24, or .*`npm start`.*\n$/;

let miniature: Miniature;
beforeEach(async () => {
  miniature = await createMiniature();
});
afterEach(async () => {
  await miniature[Symbol.asyncDispose]();
});

describe("on a Node that is too old", () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})`;

  test("says so in one line and exits 2 without building anything", async () => {
    const outcome = await miniature.run(["status"], ["--import", pretend]);
    expect(outcome).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringMatching(tooOld),
    });
    expect(await readdir(miniature.path)).not.toContain("dist");
  });

  test.for(olderNodes())("%s, found on this machine, says the same", async (node) => {
    const outcome = await miniature.run(["status"], [], node);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toMatch(tooOld);
  });

  test("the bin is written in syntax that Node 14 parses, and imports nothing statically", async () => {
    const source = await miniature.read("bin/watchkeeper.js");
    const linter = new Linter();
    const problems = (code: string) =>
      linter.verify(code, {
        languageOptions: { ecmaVersion: 2020, sourceType: "module" },
        rules: { "no-restricted-syntax": ["error", "ImportDeclaration"] },
      });
    expect(problems(source)).toEqual([]);
    expect(problems("await 1;")).toHaveLength(1);
    expect(problems("a ??= 1;")).toHaveLength(1);
    expect(problems('import "node:fs";')).toHaveLength(1);
  });
});

describe("in a checkout", () => {
  test("builds what is missing, passes arguments on and ends with main's exit code", async () => {
    expect(await miniature.run(["a", "b"])).toEqual({
      exitCode: 7,
      stdout: "first:a b\n",
      stderr: expect.stringMatching(built),
    });
    expect(await readdir(join(miniature.path, "dist/skills/sample"))).toEqual([
      "SKILL.md",
      "index.js",
    ]);
    expect(await readdir(join(miniature.path, "dist/skills/prose"))).toEqual(["SKILL.md"]);
  });

  test("does not build again when nothing changed, and does after an edit, a new file or a removal", async () => {
    await miniature.run();
    expect((await miniature.run()).stderr).toBe("");

    await miniature.write("src/cli/heavy.ts", `export const heavy = "second:";`);
    const edited = await miniature.run();
    expect(edited.stderr).toMatch(built);
    expect(edited.stdout).toBe("second:\n");

    await miniature.write("skills/added/SKILL.md", "---\nname: added\n---\n");
    expect((await miniature.run()).stderr).toMatch(built);
    expect(await readdir(join(miniature.path, "dist/skills"))).toContain("added");

    await rm(join(miniature.path, "skills/added"), { recursive: true });
    expect((await miniature.run()).stderr).toMatch(built);
    expect((await miniature.run()).stderr).toBe("");
  });

  test("a change of a unit test is no reason to build", async () => {
    await miniature.run();
    await miniature.write("src/domain/shared.test.ts", "export {};");
    expect((await miniature.run()).stderr).toBe("");
  });

  test("processes that build at the same time all succeed and leave one whole build", async () => {
    const outcomes = await Promise.all(Array.from({ length: 4 }, async () => miniature.run(["x"])));
    expect(outcomes.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toEqual(
      outcomes.map(() => ({ exitCode: 7, stdout: "first:x\n" })),
    );
    const left = await readdir(join(miniature.path, "dist"), { recursive: true });
    expect(left.filter((name) => name.includes(".tmp"))).toEqual([]);
    expect((await miniature.run()).stderr).toBe("");
  });

  test("a daemon that runs while dist/ is built anew loads its later parts from its own build", async () => {
    await miniature.run();
    const child = spawn(
      process.execPath,
      [join(miniature.path, "bin/watchkeeper.js"), "wait-then-load"],
      { env: miniature.environment, stdio: ["pipe", "pipe", "inherit"] },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await once(child.stdout, "data");
    await miniature.write("src/cli/heavy.ts", `export const heavy = "second:";`);
    expect((await miniature.run()).stdout).toBe("second:\n");
    child.stdin.end("go\n");
    await once(child, "close");
    expect(output).toBe("ready\nfirst:wait-then-load\n");
  });

  test.runIf(process.platform === "linux")(
    "the builder's own process does not stay beside a daemon that was built at its start",
    async () => {
      const daemon = spawn(
        process.execPath,
        [join(miniature.path, "bin/watchkeeper.js"), "wait-then-load"],
        { env: miniature.environment, stdio: ["pipe", "pipe", "ignore"] },
      );
      await once(daemon.stdout, "data");
      const task = `/proc/${daemon.pid}/task/${daemon.pid}`;
      // It may be about to end; one that stays would stay for ever.
      await expect.poll(() => readFile(`${task}/children`, "utf8")).toBe("");
      daemon.stdin.end("go\n");
      await once(daemon, "exit");
    },
  );

  test("the public API is one instance for the CLI, skills, tests and the demo's config", async () => {
    expect((await miniature.run(["instances"])).stdout).toBe("true");
  });

  test("a mistake in the sources is said with its place, and the old build is not run", async () => {
    await miniature.run();
    await miniature.write("src/cli/heavy.ts", "export const heavy = ;");
    const outcome = await miniature.run();
    expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toContain("src/cli/heavy.ts:1:21");
    expect(outcome.stderr).not.toContain("    at ");
  });

  test("without node_modules it says to run npm ci", async () => {
    await rm(join(miniature.path, "node_modules"));
    expect(await miniature.run()).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        "watchkeeper: its dependencies are not installed. Run `npm ci` in this folder first.\n",
    });
  });

  test("a home directory that cannot hold a cache is no trouble", async () => {
    await miniature.run();
    miniature.environment.XDG_CACHE_HOME = "/proc/nowhere";
    expect(await miniature.run()).toEqual({ exitCode: 7, stdout: "first:\n", stderr: "" });
  });
});

describe("in an installed package", () => {
  test("runs what is there and never builds", async () => {
    await miniature.run();
    for (const part of ["src", "skills", "scripts"]) {
      await rm(join(miniature.path, part), { recursive: true });
    }
    await chmod(join(miniature.path, "dist"), 0o555);
    const before = await stat(join(miniature.path, "dist/cli.js"));
    expect(await miniature.run(["x"])).toEqual({ exitCode: 7, stdout: "first:x\n", stderr: "" });
    expect((await stat(join(miniature.path, "dist/cli.js"))).mtimeMs).toBe(before.mtimeMs);
  });

  test("an incomplete one is named as such", async () => {
    await rm(join(miniature.path, "src"), { recursive: true });
    const outcome = await miniature.run();
    expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^watchkeeper: this installation is incomplete .*\n$/);
  });
});

/** The Nodes below 24 on this machine's own path. */
function olderNodes(): string[] {
  const folders = new Set((process.env.PATH ?? "").split(delimiter));
  return [...folders]
    .filter((folder) => !folder.includes("node_modules"))
    .map((folder) => join(folder, "node"))
    .filter((path) => {
      try {
        return Number(/^v(\d+)/.exec(execFileSync(path, ["--version"]).toString())?.[1]) < 24;
      } catch {
        return false;
      }
    });
}
