import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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
