// Records docs/terminal.svg, the picture of the README: the real demo in a real terminal of 80 columns, and
// `status` when its shop is back. Takes 45 seconds; needs `script` (util-linux). `node scripts/terminal-picture.js`
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawSvg, readLines } from "./ansi-svg.js";

const columns = 80;
const shownLines = 44;
const secondsUntilBack = 40;

const checkout = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "watchkeeper-picture-"));
const calls = `
stty cols ${columns} rows ${shownLines}
watchkeeper() { "${process.execPath}" bin/watchkeeper.js "$@" --state "${folder}/state"; }
watchkeeper start &
sleep ${secondsUntilBack}
printf '\\n$ watchkeeper status\\n'
watchkeeper status --config agent.config.ts
kill $!
wait
`;
const { NO_COLOR: _, ...environment } = process.env;
const recorder = spawn("script", ["-qec", calls, "/dev/null"], {
  cwd: checkout,
  env: { ...environment, SHELL: "/bin/bash", TERM: "xterm-256color", TZ: "UTC" },
  stdio: ["ignore", "pipe", "inherit"],
});
/** @type {Buffer[]} */
const output = [];
recorder.stdout.on("data", (/** @type {Buffer} */ data) => output.push(data));
await once(recorder, "close");
await rm(folder, { recursive: true, force: true });

const seen = Buffer.concat(output).toString("utf8").replaceAll(folder, "");
const upToStatus = seen.slice(0, seen.indexOf("\n", seen.indexOf("spent $")));
const last = readLines(upToStatus).slice(-shownLines);
// Not from the middle of a message: its first line begins with the time.
const from = last.findIndex((spans) => /^\d\d:\d\d /.test(spans[0]?.text ?? ""));
const lines = last.slice(from);
const title =
  "The demo in a terminal: the shop goes down, is told of, comes back; then `watchkeeper status`";
await writeFile(join(checkout, "docs", "terminal.svg"), drawSvg({ lines, columns, title }));
