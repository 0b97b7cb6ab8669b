import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkout } from "../ground/miniature.ts";
import { dovecotAvailable } from "../servers/dovecot.ts";
import { readBlocks, shapeOf, withAnswers, type Block } from "./page.ts";
import { openShell, runOn, type Background } from "./shell.ts";
import { createWorld, type World } from "./world.ts";

/** `UPDATE_DOCS=1 npx vitest run tests/first-hour` writes what was seen into the page. */
const writesPage = process.env.UPDATE_DOCS === "1";
const pagePath = join(checkout, "docs/first-hour.md");
const longestMs = 240_000;

describe.skipIf(!dovecotAvailable())("docs/first-hour.md", () => {
  test(
    "what it says to type, typed by a new user, answers as it says",
    async () => {
      const page = await readFile(pagePath, "utf8");
      const blocks = readBlocks(page).filter(({ elsewhere }) => elsewhere === undefined);
      expect(blocks.length).toBeGreaterThan(8);
      await using world = await createWorld();
      const seen = await playAll(blocks, world);
      if (writesPage) {
        await writeFile(pagePath, withAnswers(page, seen));
        return;
      }
      for (const [block, answers] of seen) {
        const shown = block.calls.map(({ command, answer }) => ({
          command,
          shape: shapeOf(answer),
        }));
        const now = block.calls.map(({ command }, index) => ({
          command,
          shape: shapeOf(answers[index] ?? ""),
        }));
        expect(now, answers.join("\n")).toEqual(shown);
      }
    },
    longestMs,
  );
});

/** Types every block in its order; what runs on is ended by Ctrl-C before the next that does. */
async function playAll(
  blocks: readonly Block[],
  { home, environment, here, onPage, events }: World,
): Promise<Map<Block, string[]>> {
  await using shell = openShell(environment, home);
  const seen = new Map<Block, string[]>();
  let running: Background | undefined;
  try {
    for (const block of blocks) {
      if (block.event !== undefined) {
        if (block.event === "Ctrl-C in the other terminal") {
          expect(await running?.interrupt()).toBe(0);
          running = undefined;
        } else {
          const happen = events[block.event];
          if (!happen) throw new Error(`no such event: ${block.event}`);
          await happen();
        }
      }
      const answers: string[] = [];
      for (const { command } of block.calls) {
        if (block.runsOnUntil === undefined) {
          answers.push(onPage(await shell.type(here(command))));
        } else {
          const folder = await shell.type("pwd");
          running = runOn(here(command), block.runsOnUntil, environment, folder.trim());
          answers.push(onPage(await running.shown));
        }
      }
      seen.set(block, answers);
    }
  } finally {
    await running?.[Symbol.asyncDispose]();
  }
  return seen;
}
