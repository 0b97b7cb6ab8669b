import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  callTools,
  reportAll,
  startScriptedModel,
  type ScriptedModel,
} from "../../src/testing/index.ts";
import { displayWidth } from "../../src/cli/text.ts";
import { furnish, putPapers } from "./desk.ts";
import { createPlace, watching, type Place } from "./place.ts";

/** A watch full of what is long, wide and strange. */
let place: Place;
let model: ScriptedModel;
const link = `https://example.com/${"very-long-path/".repeat(20)}`;
const titles = [
  "Re: Fwd: the quarterly report of the finance committee, revised for the third time since May",
  "山田花子: しおり二百枚の発送予定について、来週の火曜日までにお返事をいただけますでしょうか、お願いします",
  `🚨🚨🚨 ${"URGENT ".repeat(20)}`,
  link,
  "كتاب ".repeat(30),
  "x".repeat(300),
];
beforeAll(async () => {
  model = await startScriptedModel([
    callTools([{ name: "desk_count", input: {} }], {
      usage: { inputTokens: 1_234_567, outputTokens: 9 },
    }),
    reportAll("digest"),
  ]);
  place = await createPlace({ ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: model.baseUrl });
  await furnish(
    place,
    `model: { chain: [{ model: "a-model-with-a-name-that-goes-on-and-on-2026-11-23-preview" }] }`,
  );
  await place.skill(
    "a-skill-with-quite-a-long-name",
    `import { defineSkill } from "watchkeeper";
     export default defineSkill({ checks: () => ({
       "${"far".repeat(20)}": { cron: "0 8,12,16 * * 1-5", async observe() { throw new Error(${JSON.stringify(link)}); } },
     }) });`,
  );
  const config = await place.read("agent.config.ts");
  await place.write(
    "agent.config.ts",
    config.replace("skills: {", `skills: { "./skills/a-skill-with-quite-a-long-name": {},`),
  );
  await putPapers(
    place,
    titles.map((title, index) => ({
      key: String(index),
      severity: "warning",
      title,
      text: `${title}\n${link}`,
    })),
  );
  await place.run("beat");
  const db = new Database(place.path("state/watchkeeper.db"));
  db.exec(`update beats set started_at = started_at - 40000000000, finished_at = finished_at;
    update runs set started_at = started_at - 40000000000; update findings set opened_at = opened_at - 40000000000;`);
  db.close();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const commands = [
  "status",
  "beats",
  "beats show 1",
  "runs",
  "runs show 1",
  "cost",
  "findings",
  "findings --all",
  "findings show 2",
  "findings show 4",
  "skills",
  "doctor",
  "beat --dry-run",
  "findings ack 5",
];

test.each(commands)(
  "`%s` fits 80 columns, and has no escape codes when it is piped",
  async (words) => {
    const { stdout } = await place.run(...words.split(" "));
    expect(stdout).not.toBe("");
    expect(stdout).not.toContain("\u001b");
    const tooWide = stdout.split("\n").filter((line) => displayWidth(line) > 80);
    expect(tooWide).toEqual([]);
    for (const line of stdout.split("\n")) expect(line).toBe(line.trimEnd());
  },
);

test("what `start` narrates fits 80 columns too", async () => {
  await using other = await createPlace();
  await furnish(other);
  await putPapers(
    other,
    titles.map((title, index) => ({ key: String(index), severity: "notice", title })),
  );
  const daemon = other.start("start");
  await daemon.seen(watching);
  await daemon.seen(/the rules decided[^)]+\)/);
  const { stdout } = await daemon.stop();
  expect(stdout.split("\n").filter((line) => displayWidth(line) > 80)).toEqual([]);
});
