// An MCP server on stdin and stdout, as small as one can be. What it does is in the JSON file that it is
// given, read anew at each request, so that a test can change its mind: `tools`, `answers` by tool,
// `hang` (methods that are never answered), `greeting` (a line that is no message), `dieOn` (a method).
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const file = process.argv[2] ?? "";
const plan = () => JSON.parse(readFileSync(file, "utf8"));
const say = (/** @type {object} */ message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

const { greeting, crash, pidFile } = plan();
if (greeting) process.stdout.write(`${greeting}\n`);
if (pidFile) {
  // A helper of its own, which only the end of the whole group ends.
  const helper = spawn("sleep", ["1000"], { stdio: "ignore" });
  writeFileSync(pidFile, `${process.pid} ${helper.pid}`);
  process.on("SIGTERM", () => undefined);
}
if (crash) {
  process.stderr.write(crash);
  process.exit(3);
}

// The folder, as each plan is a file of its own that takes the place of the one before.
watch(dirname(file), (_event, name) => {
  if (name === basename(file)) say({ method: "notifications/tools/list_changed" });
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const { tools = [], answers = {}, hang = [], dieOn, raw } = plan();
  if (method === dieOn) process.exit(1);
  if (id === undefined || hang.includes(method)) return;
  switch (method) {
    case "initialize":
      return say({
        id,
        result: {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: "test", version: "1" },
        },
      });
    case "tools/list":
      return say({ id, result: raw ?? { tools } });
    case "tools/call": {
      const answer = answers[params.name];
      if (answer === "environment") {
        return say({
          id,
          result: { content: [{ type: "text", text: JSON.stringify(process.env) }] },
        });
      }
      return say({
        id,
        result: answer ?? {
          content: [{ type: "text", text: `got ${JSON.stringify(params.arguments)}` }],
        },
      });
    }
    default:
      return say({ id, error: { code: -32601, message: `no method ${method}` } });
  }
});
