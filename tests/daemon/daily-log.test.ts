import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ObservationInput } from "watchkeeper";
import { callTools, FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

/** Each day of the watch becomes a page to read. */

const minute = 60_000;

test("a day's page tells what was found, told, done and spent, and is finished after midnight", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T22:50:00Z");
  const observations: ObservationInput[] = [];
  await using model = await startScriptedModel([
    callTools([{ name: "memory_note", input: { text: "High water is at noon." } }]),
    reportAll("notify"),
  ]);
  const page = async (day: string) =>
    readFile(join(folder.path, "state", "memory", `${day}.md`), "utf8");
  const options = {
    folder: folder.path,
    clock,
    model,
    config: { timezone: "Europe/Berlin", heartbeat: { every: "1m" } },
    play: {
      checks: {
        sight: { every: "1m", observe: async () => ({ observations: [...observations] }) },
      },
    },
  };
  {
    await using kept = await keepWatch(options);
    observations.push(
      seen("letter", { severity: "warning", title: "[Click](https://evil.example)" }),
    );
    // What came after the beat with news is there with a later one, once the page before it stands.
    const later = async () => {
      await kept.pass(5_000);
      return page("2026-01-05").catch(() => "");
    };
    await expect.poll(later).toContain(" told, warning");
    const today = await page("2026-01-05");
    expect(today).toMatch(/^# Mon 5 Jan 2026\n/);
    expect(today).toMatch(
      /- 23:5\d warning opened, finding 1 of `stage\/sight`: `\[Click\]\(https/,
    );
    expect(today).toMatch(/- 23:5\d told, warning: `\[Click\]/);
    expect(today).toMatch(/effect 1, `memory_note` \(write\): done, run 1\n/);
    expect(today).toMatch(/run 1 over 1 finding with `claude-sonnet-5-5`: ok, \$0\.\d+\n/);
    expect(today).toContain("this page is written anew");
    observations.push(seen("late", { severity: "notice", title: "Late news" }));
    await kept.pass(minute);
  }
  // At the end everything stands on it, also what came right before.
  expect(await page("2026-01-05")).toContain("Late news");

  clock.set("2026-01-06T07:00:00Z");
  await using again = await keepWatch(options);
  await again.pass(minute);
  await expect.poll(() => page("2026-01-05")).not.toContain("this page is written anew");
  await expect.poll(() => page("2026-01-06").catch(() => "")).toContain("## Missed time");
});
