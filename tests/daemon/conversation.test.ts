import { join } from "node:path";
import { expect, test } from "vitest";
import {
  callTools,
  createMaildir,
  FakeClock,
  findingIds,
  reportAll,
  startScriptedModel,
} from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";
import { startService, writeCalendar } from "./world.ts";

const minute = 60_000;

test("a beat with findings from all three skills makes one conversation, and one with nothing new makes none", async () => {
  await using folder = await temporaryFolder();
  await using service = await startService();
  await using model = await startScriptedModel([
    callTools([{ name: "services_probe", input: { target: "shop" } }]),
    reportAll("notify", { message: "Have a look." }),
    callTools([{ name: "services_probe", input: { target: "shop" } }]),
    reportAll("digest"),
  ]);
  const clock = new FakeClock();
  service.isUp = false;
  const maildir = await createMaildir(join(folder.path, "mail"));
  const mail = { from: "Ann <ann@example.com>", to: "me@example.com", text: "Call me." };
  await maildir.deliver({ ...mail, subject: "The lease", date: new Date(clock.now()) });
  const at = clock.now() + 20 * minute;
  await writeCalendar(join(folder.path, "team.ics"), [
    { id: "stand-up", title: "Stand-up", start: at, end: at + 15 * minute },
  ]);

  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { heartbeat: { every: "1m" } },
    skills: {
      services: {
        every: "1m",
        failureThreshold: 1,
        targets: [{ name: "shop", http: service.url }],
      },
      inbox: { every: "1m", accounts: [{ name: "work", maildir: "./mail", firstSight: "2d" }] },
      calendar: { every: "1m", sources: [{ name: "team", ics: "./team.ics" }] },
    },
  });
  await kept.settle();

  const [first, second] = model.requests;
  expect(model.requests).toHaveLength(2);
  expect(model.conversations()).toHaveLength(1);
  const findings = await kept.findings();
  expect(findings.map(({ check }) => check).sort()).toEqual([
    "calendar/team",
    "inbox/work",
    "services/shop",
  ]);
  expect(findingIds(first!).sort()).toEqual(findings.map(({ id }) => String(id)).sort());
  expect(await kept.journal()).toMatchObject([{ outcome: "ok", error: null, beatId: 1 }]);
  expect(kept.printed).toHaveLength(1);

  const beginning = throughFirstMessage(first!);
  expect(beginning).toContain("services_probe");
  expect(beginning).toContain("The lease");
  expect(second!.rawBody.slice(0, beginning.length)).toBe(beginning);

  await kept.pass(10 * minute);
  expect(kept.beats.slice(1).map(({ outcome }) => outcome)).toEqual(Array(10).fill("quiet"));
  expect(service.probes).toBe(12);
  expect(model.requests).toHaveLength(2);

  await maildir.deliver({ ...mail, subject: "The lease again", date: new Date(clock.now()) });
  await kept.pass(minute);
  expect(model.requests).toHaveLength(4);
  expect(model.conversations()).toHaveLength(2);
  expect(findingIds(model.requests[2]!)).toEqual([String(findings.length + 1)]);
  // What is the same for all conversations comes before what is not.
  const stable = beginning.slice(0, beginning.indexOf(`"messages":`));
  expect(stable.length).toBeGreaterThan(1_000);
  for (const { rawBody } of model.requests) expect(rawBody.startsWith(stable)).toBe(true);
});

test("info alone wakes nobody, and rides along with the next conversation", async () => {
  await using folder = await temporaryFolder();
  await using model = await startScriptedModel(reportAll("ignore"));
  const clock = new FakeClock();
  const maildir = await createMaildir(join(folder.path, "mail"));
  const newsletter = (subject: string) =>
    maildir.deliver({
      from: "news@example.com",
      to: "me@example.com",
      subject,
      text: "News.",
      date: new Date(clock.now()),
      headers: { "List-Unsubscribe": "<https://example.com/off>", Precedence: "bulk" },
    });
  await newsletter("Weekly");
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { heartbeat: { every: "1m" } },
    skills: {
      inbox: { every: "1m", accounts: [{ name: "work", maildir: "./mail", firstSight: "2d" }] },
    },
  });
  await kept.pass(5 * minute);
  expect(await kept.findings()).toMatchObject([{ severity: "info", verdict: null }]);
  expect(model.requests).toHaveLength(0);

  await maildir.deliver({
    from: "ann@example.com",
    to: "me@example.com",
    subject: "Lunch?",
    text: "Noon?",
    date: new Date(clock.now()),
  });
  await kept.pass(minute);
  expect(model.requests).toHaveLength(1);
  expect(findingIds(model.requests[0]!).sort()).toEqual(["1", "2"]);
});

/** The request's bytes up to the end of its first message. */
function throughFirstMessage({
  rawBody,
  body,
}: {
  rawBody: string;
  body: { messages: readonly unknown[] };
}) {
  const message = JSON.stringify(body.messages[0]);
  const at = rawBody.indexOf(message);
  expect(at).toBeGreaterThan(0);
  return rawBody.slice(0, at + message.length);
}
