import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../daemon/harness.ts";
import { checkout, runProcess, type Outcome } from "../ground/miniature.ts";
import { quotedIn, readPage } from "./page.ts";

const page = await readPage("skills.md");
const lines = page.blocks
  .filter(({ language }) => language === "sh")
  .flatMap(({ code }) => code.trim().split("\n"));

/** A project in which everything that the page says was written and typed, in its order. */
let project: Awaited<ReturnType<typeof temporaryFolder>>;
const outcomes = new Map<string, Outcome>();

beforeAll(async () => {
  project = await temporaryFolder();
  for (const { file, code } of page.blocks) if (file) await write(file, code);
  await mkdir(join(project.path, "node_modules"));
  await symlink(checkout, join(project.path, "node_modules", "watchkeeper"));
  await write("bin/watchkeeper", `#!/bin/sh\nexec node ${checkout}/bin/watchkeeper.js "$@"\n`);
  await chmod(join(project.path, "bin", "watchkeeper"), 0o755);
  await symlink(process.execPath, join(project.path, "bin", "node"));
  const { PATH = "", HOME = "" } = process.env;
  const environment = { PATH: `${join(project.path, "bin")}:${PATH}`, HOME };
  for (const line of lines) {
    outcomes.set(line, await runProcess("sh", ["-ec", line], environment, project.path));
  }
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
});

test("every block is a file, typed, or shown", () => {
  const others = page.blocks.filter(({ file, language }) => !file && language !== "sh");
  expect(others.map(({ language }) => language)).toEqual(["json"]);
});

test.for(lines)("%s ends well", (line) => {
  const { exitCode, stdout, stderr } = outcomes.get(line)!;
  expect(exitCode, stdout + stderr).toBe(0);
});

test("the receipt is the one that the page shows", () => {
  const [shown] = page.blocks.filter(({ language }) => language === "json");
  const { stdout } = outcomes.get("watchkeeper beat --json")!;
  expect(JSON.parse(stdout)).toMatchObject(JSON.parse(shown!.code) as object);
});

test("the findings are those that the page names", () => {
  const [, sentence = ""] = /^and `findings` shows what was found: (.*)\.$/m.exec(page.text) ?? [];
  const titles = quotedIn(sentence);
  expect(titles).toHaveLength(2);
  for (const title of titles) {
    expect(outcomes.get("watchkeeper findings")?.stdout).toContain(title);
    expect(outcomes.get("watchkeeper beat --dry-run")?.stdout).toContain(title);
  }
});

test("the skill's own tests ran, all of them", () => {
  const { stdout } = outcomes.get("node --test skills/backups/index.test.ts")!;
  expect(stdout).toMatch(/\bpass 4\n/);
});

test("the scripted model is asked, calls the skill's tool and has the last word", () => {
  const { stdout } = outcomes.get("node beat-with-model.mjs")!;
  expect(stdout).toContain("decided by the model");
  expect(stdout).toMatch(/run 1 cost \$/);
});

test("the code of the page is of the types that the package has", async () => {
  await write(
    "tsconfig.json",
    JSON.stringify({
      extends: join(checkout, "tsconfig.json"),
      compilerOptions: {
        typeRoots: [join(checkout, "node_modules", "@types")],
        paths: {
          watchkeeper: [join(checkout, "src", "index.ts")],
          "watchkeeper/testing": [join(checkout, "src", "testing", "index.ts")],
        },
      },
      include: ["skills", "agent.config.ts"],
    }),
  );
  const tsc = join(checkout, "node_modules", "typescript-7", "bin", "tsc");
  await write("package.json", JSON.stringify({ type: "module" }));
  const outcome = await runProcess(process.execPath, [tsc, "-p", "."], {}, project.path);
  expect(outcome).toEqual({ exitCode: 0, stdout: "", stderr: "" });
});

describe("the tables of fields", async () => {
  const source = await readFile(join(checkout, "src", "skills", "define.ts"), "utf8");
  const interfaces = [...source.matchAll(/^export interface (\w+)[^{]*\{\n([^]*?)^\}/gm)].map(
    ([, name = "", body = ""]) => ({
      name,
      fields: [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, field]) => field),
    }),
  );

  test("are those of the public API", () => {
    const described = page.tables.filter(({ columns }) => columns[0] === "field");
    expect(described.map(({ heading }) => heading).sort()).toEqual(
      interfaces
        .map(({ name }) => name)
        .filter((name) => name !== "SkillLog")
        .sort(),
    );
  });

  test.for(interfaces)("$name", ({ name, fields }) => {
    if (name === "SkillLog") {
      for (const field of fields) expect(page.text).toContain(`\`${field}\``);
      return;
    }
    const rows = page.tables.find(({ heading }) => heading === name)?.rows ?? [];
    expect(rows.map(([field = ""]) => field.replaceAll("`", ""))).toEqual(fields);
  });
});

async function write(path: string, text: string): Promise<void> {
  const file = join(project.path, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
