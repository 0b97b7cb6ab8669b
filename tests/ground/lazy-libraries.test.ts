import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { checkout } from "./miniature.ts";

// What a quiet daemon loads at its start: heavy parts wait in chunks of their own until they are needed.
const heavy =
  /^\/\/ node_modules\/(tsdav|@googleapis\/calendar|google-auth-library|gaxios|ical\.js|nodemailer)\//m;

/** The files that are loaded with an entry point, those behind a dynamic import left out. */
async function loadedWith(entry: string): Promise<Map<string, string>> {
  const loaded = new Map<string, string>();
  const open = [join(checkout, "dist", entry)];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (loaded.has(file)) continue;
    const text = await readFile(file, "utf8");
    loaded.set(file, text);
    for (const [, path = ""] of text.matchAll(/^(?:import|export)\b[^;"]*"(\.[^"]+)";$/gm)) {
      open.push(join(dirname(file), path));
    }
  }
  return loaded;
}

test.each(["cli.js", "skills/calendar/index.js"])(
  "%s loads no library of calendars or mail before one is needed",
  async (entry) => {
    const loaded = await loadedWith(entry);
    expect(loaded.size).toBeGreaterThan(1);
    for (const [file, text] of loaded) expect(heavy.exec(text)?.[1], file).toBeUndefined();
  },
);

test("what `start` and the skills load brings neither Node's fetch nor its Web Crypto along", async () => {
  const cli = await readFile(join(checkout, "dist/cli.js"), "utf8");
  const start = /import\("\.\/(chunks\/start-[^"]+)"\)/.exec(cli)?.[1] ?? "chunks/start";
  const skills = ["calendar", "inbox", "services"].map((name) => `skills/${name}/index.js`);
  const urls = ["cli.js", start, ...skills].map((path) =>
    pathToFileURL(join(checkout, "dist", path)),
  );

  const code = `
    for (const url of ${JSON.stringify(urls)}) await import(url);
    console.log(process.moduleLoadList.join("\\n"));`;
  const arguments_ = ["--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_);

  const loaded = stdout.split("\n");
  expect(loaded).toContain("NativeModule http");
  expect(loaded).toContain("NativeModule crypto");
  expect(loaded.filter((name) => /undici|webcrypto/.test(name))).toEqual([]);
});
