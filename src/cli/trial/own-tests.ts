import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { publicApiPreload } from "../../config/user-module.ts";
import type { Environment } from "../../config/secret.ts";
import { oneLine, plainText } from "../../domain/plain-text.ts";

/** A skill's own `*.test.ts`, run by `node --test`, with `watchkeeper` led to this package. */

export interface TestOutcome {
  /** Relative to the skill's folder. */
  readonly files: readonly string[];
  readonly passed: number;
  readonly failed: number;
  readonly ok: boolean;
  /** What the runner printed. */
  readonly output: string;
}

const patienceMs = 120_000;
const longestOutput = 20_000;
const testFile = /\.test\.[cm]?[jt]s$/;

/** @returns null when the skill has none */
export async function runOwnTests(
  dir: string,
  { packageRoot, environment }: { packageRoot: string; environment: Environment },
): Promise<TestOutcome | null> {
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => testFile.test(file) && !file.split(sep).includes("node_modules"))
    .sort();
  if (files.length === 0) return null;
  const words = [
    ...["--import", publicApiPreload(packageRoot), "--test", "--test-reporter=spec"],
    ...files.map((file) => relative(process.cwd(), join(dir, file))),
  ];
  const { code, output } = await run(words, environment);
  const count = (word: string) => Number(new RegExp(`^ℹ ${word} (\\d+)$`, "m").exec(output)?.[1]);
  const passed = count("pass") || 0;
  const failed = (count("fail") || 0) + (count("cancelled") || 0);
  return { files, passed, failed, ok: code === 0 && passed > 0, output };
}

async function run(
  words: readonly string[],
  environment: Environment,
): Promise<{ code: number | null; output: string }> {
  // A test that runs others must not believe that it is run by them.
  const { NODE_TEST_CONTEXT: _, ...env } = environment;
  const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = Promise.withResolvers<{ code: number | null; output: string }>();
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < 4 * longestOutput) output += text;
    });
  }
  const timer = setTimeout(() => {
    output += `\nstopped: the tests took longer than ${patienceMs / 1_000} s`;
    child.kill("SIGKILL");
  }, patienceMs);
  child.on("error", (error) => ended.resolve({ code: null, output: oneLine(error.message, 500) }));
  child.on("close", (code) => {
    clearTimeout(timer);
    ended.resolve({ code, output: plainText(output, longestOutput) });
  });
  return ended.promise;
}
