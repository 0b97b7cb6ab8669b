import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkout, runProcess } from "./miniature.ts";

// Real runs of the real test runner, over a project of one file.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-summary-"));
});
afterAll(async () => rm(folder, { recursive: true }));

async function summary(testFile: string, ...options: string[]) {
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  await writeFile(join(folder, "sample.test.js"), testFile);
  const vitest = join(checkout, "node_modules/vitest/vitest.mjs");
  const argv = [vitest, "run", "--globals", "--root", folder, "--reporter=json"];
  await runProcess(process.execPath, [...argv, `--outputFile=${report}`], process.env, folder);
  const script = join(checkout, "scripts/test-summary.js");
  return runProcess(process.execPath, [script, report, ...options], process.env, folder);
}

test("counts what passed and what was skipped", async () => {
  const file = `test("a", () => {}); test("b", () => {}); test.skip("c", () => {}); test.todo("d");`;
  expect(await summary(file)).toEqual({
    exitCode: 0,
    stdout: "2 passed, 0 failed, 2 skipped\n",
    stderr: "",
  });
});

test("fails where every test must run and one was skipped", async () => {
  const outcome = await summary(`test("a", () => {}); test.skip("b", () => {});`, "--none-skipped");
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stdout).toMatch(/\n1 passed, 0 failed, 1 skipped\n$/);
});

test("fails with a failed test, and with a file that cannot be loaded", async () => {
  const failed = await summary(`test("a", () => {}); test("b", () => { throw new Error(); });`);
  expect(failed).toMatchObject({ exitCode: 1, stdout: "1 passed, 1 failed, 0 skipped\n" });
  const unloadable = await summary(`throw new Error("not loadable");`);
  expect(unloadable).toMatchObject({ exitCode: 1, stdout: "0 passed, 1 failed, 0 skipped\n" });
});

test("fails, and still ends with the line, when the run left no report", async () => {
  const script = join(checkout, "scripts/test-summary.js");
  const argv = [script, join(folder, "nothing.json")];
  const outcome = await runProcess(process.execPath, argv, process.env, folder);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
});
