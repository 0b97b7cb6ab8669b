import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineTool, z } from "watchkeeper";
import { callTools, FakeClock, fault, reportAll, startScriptedModel } from "watchkeeper/testing";
import { packageInfo } from "../../src/config/package.ts";
import { openDatabase } from "../../src/store/database.ts";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

const minute = 60_000;

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly beatId?: number;
  readonly check?: string;
  readonly runId?: number;
  readonly effectId?: number;
}

test("lines of the log say which beat, check and run they belong to, whoever writes them", async () => {
  await using folder = await temporaryFolder();
  await using model = await startScriptedModel([
    fault.status(529),
    callTools([{ name: "stage_jot", input: {} }]),
    reportAll("notify"),
  ]);
  const lines: Line[] = [];
  await using kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    model,
    config: {
      heartbeat: { every: "1m" },
      policy: { grants: [{ tool: "stage_jot", maxPerDay: 9, evenIfUntrusted: true }] },
    },
    listen: (line) => void lines.push(JSON.parse(line) as Line),
    play: {
      checks: {
        pump: {
          every: "1m",
          async observe({ log }) {
            // After something else has had its turn, as behind a server's answer.
            await new Promise((resolve) => setImmediate(resolve));
            log.info("looking at the pump");
            return { observations: [seen("pump")] };
          },
        },
        mast: {
          every: "1m",
          observe: () => Promise.reject(new Error("fog")),
        },
      },
      tools: {
        jot: defineTool({
          description: "Write it down.",
          effect: "write",
          input: z.strictObject({}),
          async run(_input, { log }) {
            log.info("jotting");
            return "written";
          },
        }),
      },
    },
  });
  await kept.pass(3 * minute);

  const [run] = await kept.journal();
  expect(run).toMatchObject({ id: 1, outcome: "ok" });
  const ofMessage = (msg: string) => lines.filter((line) => line.msg === msg);
  const ids = kept.beats.map(({ id }) => id);
  expect(ofMessage("looking at the pump")).toEqual(
    ids.map((beatId): unknown =>
      expect.objectContaining({ beatId, check: "stage/pump", skill: "stage", level: "info" }),
    ),
  );
  expect(ofMessage("a look failed").length).toBeGreaterThan(0);
  for (const line of ofMessage("a look failed")) {
    expect(line).toMatchObject({ level: "warn", check: "stage/mast", error: "fog" });
    expect(ids).toContain(line.beatId);
  }
  for (const [msg, fields] of [
    ["a run begins", { level: "info", findings: 1 }],
    ["the model is asked again after a wait", { level: "warn", kind: "overloaded" }],
    ["jotting", { level: "info", skill: "stage", effectId: 1 }],
    ["an effect is done", { level: "info", tool: "stage_jot", effectId: 1 }],
  ] as const) {
    expect(ofMessage(msg)[0]).toMatchObject({ runId: 1, ...fields });
  }
  // What belongs to none has none.
  const others = lines.filter(({ runId, beatId }) => runId === undefined && beatId === undefined);
  expect(others.filter(({ msg }) => /look|jot|run|asked/.test(msg))).toEqual([]);
});

test("that the tables were upgraded is logged once, with what it was and where its copy is", async () => {
  await using folder = await temporaryFolder();
  const { migrationsDir } = packageInfo();
  const older = join(folder.path, "older");
  cpSync(migrationsDir, older, { recursive: true });
  const journalPath = join(older, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(journalPath, "utf8")) as { entries: { tag: string }[] };
  const [first, newest] = [journal.entries[0]?.tag, journal.entries.at(-1)?.tag];
  journal.entries.length = 1;
  writeFileSync(journalPath, JSON.stringify(journal));
  openDatabase(join(folder.path, "state"), older).$client.close();

  const lines: Line[] = [];
  const watchOnce = async () => {
    const listen = (line: string) => void lines.push(JSON.parse(line) as Line);
    await using kept = await keepWatch({ folder: folder.path, clock: new FakeClock(), listen });
    await kept.store.status();
  };
  await watchOnce();
  await watchOnce();
  const upgrades = lines.filter(({ msg }) => msg.includes("upgraded"));
  expect(upgrades).toEqual([
    expect.objectContaining({
      level: "info",
      from: first,
      to: newest,
      copy: expect.stringMatching(/state\/backups\/before-upgrade-.*\.db$/) as string,
      durationMs: expect.any(Number) as number,
    }),
  ]);
});
