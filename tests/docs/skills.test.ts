import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../daemon/harness.ts";
import { checkout, runProcess, type Outcome } from "../ground/miniature.ts";
import { readPage, type CodeBlock } from "./page.ts";

const page = await readPage("skills.md");

/** A project in which everything that the page says is written and typed, block by block, in its order. */
let project: Awaited<ReturnType<typeof temporaryFolder>>;
let environment: Record<string, string>;
/** What was typed last, and all that was. */
let last: Outcome = { exitCode: 0, stdout: "", stderr: "" };
const outcomes = new Map<string, Outcome>();

beforeAll(async () => {
  project = await temporaryFolder();
  await mkdir(join(project.path, "node_modules"));
  await symlink(checkout, join(project.path, "node_modules", "watchkeeper"));
  await write("bin/watchkeeper", `#!/bin/sh\nexec node ${checkout}/bin/watchkeeper.js "$@"\n`);
  await chmod(join(project.path, "bin", "watchkeeper"), 0o755);
  await symlink(process.execPath, join(project.path, "bin", "node"));
  const { PATH = "", HOME = "" } = process.env;
  environment = { PATH: `${join(project.path, "bin")}:${PATH}`, HOME };
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
});

describe("block by block", () => {
  test.for(page.blocks.map((block, index) => ({ ...block, name: nameOf(block, index) })))(
    "$name",
    async ({ file, language, code }) => {
      if (file) await write(file, code);
      else if (language === "sh") for (const line of code.trim().split("\n")) await type(line);
      else if (language === "json") {
        expect(JSON.parse(last.stdout)).toMatchObject(JSON.parse(code) as object);
      } else {
        expect(language).toBe("text");
        expectLines(last.stdout, code);
      }
    },
  );
});

function nameOf({ file, language, code }: CodeBlock, index: number): string {
  const shown = language === "sh" ? code.trim().replaceAll("\n", "; ") : `prints ${language}`;
  return `${index + 1}: ${file ?? shown}`;
}

async function type(line: string): Promise<void> {
  last = await runProcess("sh", ["-ec", line], environment, project.path);
  outcomes.set(line, last);
  expect(last.exitCode, `${line}\n${last.stdout}${last.stderr}`).toBe(0);
}

/** The lines as shown follow each other in the output; `…` stands for what differs from time to time. */
function expectLines(output: string, shown: string): void {
  const lines = output.split("\n");
  let from = 0;
  for (const line of shown.split("\n").filter((one) => one.trim() && one !== "…")) {
    const parts = line
      .trim()
      .split(/\s*…\s*/)
      .map((part) => RegExp.escape(part));
    const pattern = new RegExp(`^\\s*${parts.join(".*")}\\s*$`);
    const at = lines.findIndex((candidate, index) => index >= from && pattern.test(candidate));
    expect(at, `"${line}" is not in its place in\n${output}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
}

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
  const files = ["define.ts", "notification-mail.ts"].map((file) =>
    readFile(join(checkout, "src", "skills", file), "utf8"),
  );
  const source = (await Promise.all(files)).join("\n");
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
