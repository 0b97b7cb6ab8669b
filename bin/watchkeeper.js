#!/usr/bin/env node
// Plain JavaScript that Nodes back to 14 can parse, and no static import: an old Node must get as far
// as the sentence below, because better-sqlite3 crashes it without a word.
var version = process.versions.node;

if (Number(version.split(".")[0]) < 24) {
  process.stderr.write(
    "watchkeeper needs Node 24 or newer; this is v" +
      version +
      ". Install Node 24, or in a checkout start it with `npm start`, which brings its own Node.\n",
  );
  process.exitCode = 2;
} else {
  run().then(
    function (exitCode) {
      process.exitCode = exitCode;
      // Whatever a check left open must not hold up the end. Not at once: output may be on its way.
      setTimeout(function () {
        process.exit();
      }, 2000).unref();
    },
    function (error) {
      process.stderr.write(describe(error) + "\n");
      process.exitCode = 1;
    },
  );
}

async function run() {
  const { existsSync } = await import("node:fs");
  const here = (/** @type {string} */ path) => new URL(path, import.meta.url);

  // An installed package has neither sources nor the build script: it never builds.
  if (existsSync(here("../src"))) {
    const { ensureBuilt } = await import("../scripts/ensure-built.js");
    const problem = await ensureBuilt();
    if (problem) {
      process.stderr.write(`watchkeeper: ${problem}\n`);
      return 1;
    }
  }
  if (["start", "demo"].some((command) => process.argv.includes(command))) await keepMemorySmall();
  await cacheCompiledCode();
  const { main } = await import(here("../dist/cli.js").href);
  return main(process.argv.slice(2));
}

// Else loading alone grows the young generation to 16 MB and more, which stay with a daemon that mostly sleeps; the
// middle one of V8's compilers keeps 4 MB of code for it. Commands that keep no watch are soon over, and a fifth faster
// without.
async function keepMemorySmall() {
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-maglev");
}

// Saves a quarter of the start. In the user's own cache folder, not in the shared temporary one, where
// somebody else could leave code for us. Where there is none, such as under a system user, it does without.
async function cacheCompiledCode() {
  const { default: nodeModule } = await import("node:module");
  const { accessSync, constants, mkdirSync } = await import("node:fs");
  const { homedir } = await import("node:os");
  const { join } = await import("node:path");
  try {
    // A user that systemd has made up has no home, which is an error of its own.
    const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
    const own = join(caches, "watchkeeper");
    // One level at a time: Node creates missing parents in an endless loop where that is impossible.
    for (const folder of [caches, own]) {
      try {
        mkdirSync(folder, { mode: 0o700 });
      } catch (/** @type {any} */ error) {
        if (error.code !== "EEXIST") throw error;
      }
    }
    accessSync(own, constants.W_OK);
    nodeModule.enableCompileCache(own);
  } catch {
    // Slower, nothing else.
  }
}

/** @param {any} error */
function describe(error) {
  if (error && error.code === "ERR_MODULE_NOT_FOUND" && /dist.cli\.js/.test(error.message)) {
    return "watchkeeper: this installation is incomplete (dist/cli.js is missing). Install it again.";
  }
  // What main() did not turn into words is a bug: its trace is what a report needs.
  return String((error && error.stack) || error);
}
