import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "../daemon/harness.ts";
import { terminalAvailable } from "./terminal.ts";

const module = pathToFileURL(join(import.meta.dirname, "../../src/cli/confirm.ts")).href;
const script = `
const { confirmed } = await import(${JSON.stringify(module)});
const [out, err] = [process.stdout, process.stderr];
const ok = await confirmed("This is done.\\n", "Go on?", {}, { out, err, json: true });
out.write(JSON.stringify({ ok }));
`;

test.runIf(terminalAvailable())(
  "what a script reads is JSON alone, though a person is asked",
  async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "out.json");
    const child = spawn(
      "script",
      ["-q", "-e", "-c", '"$NODE" --input-type=module --eval "$SCRIPT" > "$OUTPUT"', "/dev/null"],
      { env: { ...process.env, NODE: process.execPath, SCRIPT: script, OUTPUT: output } },
    );
    let screen = "";
    const asked = Promise.withResolvers<void>();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
      if (screen.includes("This is done.")) asked.resolve();
    });
    const ended = once(child, "close");
    await Promise.race([asked.promise, ended]);
    child.stdin.write("y\r");
    await ended;
    expect(JSON.parse(readFileSync(output, "utf8"))).toEqual({ ok: true });
    expect(screen).toContain("Go on? [y/N]");
  },
);
