import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters, promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { furnish, putPapers } from "./desk.ts";
import { createPlace, type Place } from "./place.ts";

/** Completion as a person has it: in the shells themselves. */

const hostile = `$(touch pwned) \`touch pwned\`; touch pwned\n"'; touch pwned #\t\u001b[31m`;
const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));
const shells = ["bash", "zsh", "fish"] as const;

/** Without them, these tests are left out by name. */
const has = (shell: string): boolean =>
  process.env.WATCHKEEPER_REQUIRE_SERVERS === "1" || spawnSync(shell, ["-c", "true"]).status === 0;

let place: Place;
beforeAll(async () => {
  place = await createPlace();
  await furnish(place);
  await putPapers(place, [
    { key: "bill", severity: "warning", title: "A bill is due" },
    { key: "trap", severity: "notice", title: hostile },
  ]);
  await place.write(
    "bin/watchkeeper",
    `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`,
    0o755,
  );
  place.environment.PATH = `${place.path("bin")}:${place.environment.PATH}`;
  expect((await place.run("beat")).exitCode).toBe(0);
  for (const shell of shells) {
    const { stdout } = await place.run("completion", shell);
    await place.write(`completion.${shell}`, stdout);
  }
});
afterAll(async () => {
  expect(await readdir(place.dir)).not.toContain("pwned");
  await place[Symbol.asyncDispose]();
});

async function runIn(shell: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(shell, args, {
    cwd: place.dir,
    env: place.environment,
  });
  expect(stderr).toBe("");
  return stdout;
}

for (const shell of shells) {
  test.skipIf(!has(shell))(`${shell} finds no mistake in the script that is for it`, async () => {
    expect(await runIn(shell, "-n", place.path(`completion.${shell}`))).toBe("");
  });
}

test("bash completes commands, options, choices, ids, names, files and folders", async () => {
  await place.write(
    "ask.bash",
    `source completion.bash
     ask() {
       COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
       _watchkeeper "$1" "\${@: -1}" "\${@: -2:1}"
       echo "\${COMPREPLY[*]}"
     }
     ask watchkeeper bea
     ask watchkeeper findings ack ""
     ask watchkeeper findings ack 2
     ask watchkeeper beat --check desk/
     ask watchkeeper start --log-level w
     ask watchkeeper --config agent
     ask watchkeeper --state sta
     ask watchkeeper --state no-such-folder findings ack ""
     ask watchkeeper no-such-command ""
    `,
  );
  expect((await runIn("bash", "--norc", "ask.bash")).split("\n")).toEqual([
    "beat beats",
    "1 2",
    "2",
    "desk/lamp desk/papers",
    "warn",
    "agent.config.ts",
    "state",
    "",
    "",
    "",
  ]);
});

describe.skipIf(!has("fish"))("fish", () => {
  test("completes with what each is, and shows a stranger's words as words", async () => {
    const ask = async (line: string) =>
      (await runIn("fish", "--no-config", "-c", `source completion.fish; complete -C "${line}"`))
        .trim()
        .split("\n");
    expect(await ask("watchkeeper bea")).toEqual([
      "beat\tone beat now, and its run, to the end",
      "beats\tthe receipts of the last beats",
    ]);
    expect(await ask("watchkeeper findings ack ")).toEqual([
      "1\twarning: A bill is due",
      expect.stringMatching(/^2\tnotice: \$\(touch pwned\) `touch pwned`; touch pwned "'[^\t]*…$/),
    ]);
    expect(await ask("watchkeeper --config agent")).toEqual(["agent.config.ts"]);
    expect(await ask("watchkeeper --state sta")).toEqual(["state/"]);
  });
});

/** A shell at a terminal, which somebody types into. */
async function typeInto(
  command: string,
  setUp: string,
  { typed, signal }: { typed: readonly [keys: string, seen: RegExp][]; signal: AbortSignal },
) {
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    cwd: place.dir,
    env: { ...place.environment, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  // Also when the test has run out of time: a shell that waits would hold up the others.
  const end = () => child.kill("SIGKILL");
  signal.addEventListener("abort", end, { once: true });
  let screen = "";
  let look = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    look();
  });
  async function seen(pattern: RegExp): Promise<void> {
    const found = Promise.withResolvers<"found">();
    look = () => {
      // The cursor goes back to write bold over what stands there.
      if (pattern.test(stripVTControlCharacters(screen).replaceAll("\b", "")))
        found.resolve("found");
    };
    look();
    if ((await Promise.race([found.promise, closed])) !== "found") {
      throw new Error(`ended without ${String(pattern)}: ${JSON.stringify(screen)}`);
    }
  }
  try {
    // Not as it is echoed, but as it is said.
    child.stdin.write(`${setUp}; echo rea''dy\n`);
    await seen(/^ready/m);
    for (const [keys, pattern] of typed) {
      screen = "";
      child.stdin.write(keys);
      await seen(pattern);
    }
  } finally {
    end();
    await closed;
  }
}

const lineKill = "\u0015";

test("bash at a terminal completes a line with the key", async ({ signal }) => {
  await typeInto("bash --norc --noprofile -i", "source <(watchkeeper completion bash)", {
    typed: [
      ["watchkeeper compl\tba\t", /watchkeeper completion bash /],
      [`${lineKill}watchkeeper findings ack \t\t`, /1 +2/],
    ],
    signal,
  });
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("at a terminal completes a line with the key, and lists what there is to choose from", async ({
    signal,
  }) => {
    const setUp = "autoload -Uz compinit; compinit -u -D; source <(watchkeeper completion zsh)";
    await typeInto("zsh -f -i", setUp, {
      typed: [
        ["watchkeeper compl\tba\t", /completion +bash/],
        [
          `${lineKill}watchkeeper findings ack \t`,
          /1 +-- warning: A bill is due[^]*2 +-- notice: \$\(touch pwned\)/,
        ],
      ],
      signal,
    });
  });
});

test("a damaged store and one that is not there give nothing, and no error", async () => {
  const answer = await place.run("completion", "bash", "--", "--state", "no-such", "approve", "");
  expect(answer).toEqual({ exitCode: 0, stdout: ":words\n", stderr: "" });
  await place.write("broken/watchkeeper.db", "this is no database\n".repeat(999));
  const broken = await place.run("completion", "zsh", "--", "--state", "broken", "approve", "");
  expect(broken).toEqual({ exitCode: 0, stdout: ":words\n", stderr: "" });
});

test("another shell, or none, is wrong use that says which there are", async () => {
  const other = await place.run("completion", "tcsh");
  expect(other).toMatchObject({ exitCode: 2, stdout: "" });
  expect(other.stderr).toContain("bash, zsh, fish");
  expect((await place.run("completion")).exitCode).toBe(2);
});
