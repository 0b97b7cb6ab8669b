import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as contract from "./contract.ts";
import { furnish, papers, putPapers } from "./desk.ts";
import { createPlace, watching, type Place } from "./place.ts";

let place: Place;
beforeEach(async () => {
  place = await createPlace();
  await furnish(place);
});
afterEach(async () => place[Symbol.asyncDispose]());

const statusOf = async (id: number) =>
  contract.finding.parse((await place.json("findings", "show", String(id))).value).status;

describe.each([["without a daemon"], ["beside a daemon"]])("%s", (how) => {
  const beside = how === "beside a daemon";
  beforeEach(async () => {
    if (beside) await place.start("start").seen(watching);
    await place.run("beat");
  });

  test("ack and snooze are saved, and said in one line", async () => {
    const acked = await place.run("findings", "ack", "1");
    expect(acked).toMatchObject({ exitCode: 0, stderr: "" });
    expect(acked.stdout).toMatch(
      /^#1 A bill is due: acknowledged; you hear of it again only when it gets worse\.\n$/,
    );
    const snoozed = await place.run("findings", "snooze", "#2", "--for", "2h");
    expect(snoozed.stdout).toMatch(/^#2 A letter came: snoozed until .*\d\d:\d\d\.\n$/);
    expect([await statusOf(1), await statusOf(2)]).toEqual(["acked", "snoozed"]);
    const { value } = await place.json("findings", "ack", "2");
    expect(contract.finding.parse(value)).toMatchObject({ id: 2, status: "acked" });
  });

  test("what is over can no longer be acknowledged", async () => {
    await putPapers(place, papers.slice(1));
    await place.run("beat");
    const outcome = await place.run("findings", "ack", "1");
    expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toContain("finding 1 is over already");
    expect((await place.run("findings")).stdout).not.toContain("A bill is due");
    expect((await place.run("findings", "--all")).stdout).toContain("A bill is due");
  });

  test("beat looks at the named checks alone, due or not", async () => {
    await putPapers(place, [
      ...papers,
      { key: "cheque", severity: "notice", title: "A cheque came" },
    ]);
    const lamp = contract.beat.parse((await place.json("beat", "--check", "desk/lamp")).value);
    expect(lamp).toMatchObject({ trigger: "manual", outcome: "quiet", findings: [] });
    expect(lamp.checks.map(({ name }) => name)).toEqual(["desk/lamp"]);
    const desk = contract.beat.parse((await place.json("beat", "--check", "desk")).value);
    expect(desk).toMatchObject({ outcome: "found", findings: [3] });
    expect(desk.checks).toHaveLength(2);
  });

  test("a check that fails stands in the receipt, and the beat is done", async () => {
    await place.write("papers.json", "not json");
    const { exitCode, stdout } = await place.run("beat");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/desk\/papers: failed in \d+m?s\n {4}Unexpected token/);
    expect(stdout).toContain("desk/lamp: ok");
  });

  test("a dry run shows what is new, and not one byte of the state changes", async () => {
    await putPapers(place, [
      ...papers,
      { key: "cheque", severity: "critical", title: "A cheque came" },
    ]);
    const before = await hashOf(place.stateDir);
    const { exitCode, stdout } = await place.run("beat", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("nothing was saved, no model was asked, nobody was told");
    expect(stdout).toMatch(/told at once .*\n {4}critical opened desk\/papers: A cheque came/);
    expect(stdout).not.toContain("A bill is due");
    expect(await hashOf(place.stateDir)).toEqual(before);
  });
});

test("a dry run makes no state directory, not even for the demo's own world", async () => {
  await place.write(
    "agent.config.ts",
    await readFile(new URL("../../agent.config.ts", import.meta.url)),
  );
  for (const command of [["beat", "--dry-run"], ["doctor"]]) {
    const { stdout } = await place.run(...command);
    expect(stdout, command.join(" ")).toContain("inbox/demo");
    expect(await readdir(place.dir)).not.toContain("state");
  }
});

test("a notification is told once by beat, and the receipt says who decided", async () => {
  const first = await place.run("beat");
  expect(first.stdout).toMatch(/! warning: A bill is due\n/);
  expect(first.stdout).toContain("No model looked at this: there is no ANTHROPIC_API_KEY.");
  expect(first.stdout).toContain("2 findings, as they stand now, decided by the rules:");
  expect(first.stdout).toContain("#1 warning opened: A bill is due → told now");
  expect(first.stdout).toContain("#2 notice opened: A letter came → in the digest");
  const second = await place.run("beat");
  expect(second.stdout).not.toContain("A bill is due");
  expect(second.stdout).toContain("nothing new");
});

test("start tells what was found, what was decided and why, and what is told", async () => {
  const daemon = place.start("start");
  await daemon.seen(/why now/);
  const { stdout, exitCode } = await daemon.stop();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/\d\d:\d\d {4}beat 1: 2 findings from 2 checks in \d+ms/);
  expect(stdout).toContain("#1 warning opened desk/papers: A bill is due");
  expect(stdout).toContain("the rules decided, because there is no ANTHROPIC_API_KEY:");
  expect(stdout).toContain("told now: #1 (warning: told at once)");
  expect(stdout).toMatch(/in the digest: #2 \(notice: waits for the digest.*\)/);
});

async function hashOf(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const hashes = await Promise.all(
    files
      // SQLite keeps its readers' marks there; nothing of ours.
      .filter((file) => !file.endsWith("-shm"))
      .map(async (file) => [
        file,
        createHash("sha256")
          .update(await readFile(file))
          .digest("hex"),
      ]),
  );
  return Object.fromEntries(hashes) as Record<string, string>;
}
