import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMaildir, FakeClock } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";
import { startService, writeCalendar } from "./world.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

test("a service that goes down and comes back is one finding, resolved with its duration", async () => {
  await using folder = await temporaryFolder();
  await using service = await startService();
  const clock = new FakeClock();
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    skills: {
      services: {
        every: "30s",
        failureThreshold: 2,
        successThreshold: 2,
        targets: [{ name: "shop", http: service.url }],
      },
    },
  });
  await kept.pass(minute);
  service.isUp = false;
  // The first failure is a doubt, the second makes it down; the trouble began with the first.
  await kept.pass(minute);
  const since = clock.now() - 30 * second;
  expect(await kept.findings()).toMatchObject([
    { key: "down", state: "opened", status: "open", since, openedAt: clock.now() },
  ]);
  await kept.pass(3 * minute);
  service.isUp = true;
  await kept.pass(minute);

  const [finding, ...others] = await kept.findings();
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ state: "resolved", status: "resolved", resolvedAt: clock.now() });
  expect(clock.now() - since).toBe(4 * minute + 30 * second);
  expect(kept.printed).toHaveLength(2);
  expect(kept.printed[0]).toContain("critical: shop is down: ");
  expect(kept.printed[1]).toContain(" ok: Over after 4m 30s: shop is down: ");
  await kept.pass(10 * minute);
  expect(kept.printed).toHaveLength(2);
});

test("a mail seen yesterday is not resolved by today's empty look", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const maildir = await createMaildir(join(folder.path, "mail"));
  await maildir.deliver({
    from: "ann@example.com",
    to: "me@example.com",
    subject: "The lease",
    text: "Sign, please.",
    date: new Date(clock.now()),
  });
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1h" } },
    skills: {
      inbox: { every: "1h", accounts: [{ name: "work", maildir: "./mail", firstSight: "2d" }] },
    },
  });
  await kept.pass(2 * hour);
  clock.set(clock.now() + 22 * hour);
  await kept.pass(2 * hour);
  expect(kept.beats.length).toBeGreaterThanOrEqual(5);
  expect(kept.beats.flatMap(({ checks }) => checks).every(({ outcome }) => outcome === "ok")).toBe(
    true,
  );
  expect(await kept.findings()).toMatchObject([
    { title: "Mail from ann@example.com: The lease", state: "opened", status: "open" },
  ]);
});

test("a failed look resolves nothing, three in a row are a finding, and it is over when it sees again", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const begin = clock.now();
  let isBroken = false;
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1m" } },
    play: {
      checks: {
        pump: {
          every: "1m",
          async observe() {
            if (isBroken) throw new Error("the gauge is out of reach");
            return { observations: [seen("leak")], complete: true };
          },
        },
      },
    },
  });
  const health = async () =>
    (await kept.store.status()).checks
      .filter(({ skill }) => skill === "stage")
      .map(({ status, consecutiveFailures }) => ({ status, consecutiveFailures }))[0];
  expect(kept.printed).toHaveLength(1);
  isBroken = true;
  await kept.pass(minute);
  expect(await health()).toEqual({ status: "failing", consecutiveFailures: 1 });
  await kept.pass(2 * minute);
  expect(await health()).toEqual({ status: "failing", consecutiveFailures: 2 });
  expect(await kept.findings()).toHaveLength(1);
  // Each failure doubles the wait: looks at 1, 2 and 4 minutes.
  await kept.pass(minute);
  expect(await health()).toEqual({ status: "blind", consecutiveFailures: 3 });
  const [leak, blind] = await kept.findings();
  expect(leak).toMatchObject({ key: "leak", state: "opened", status: "open" });
  expect(blind).toMatchObject({
    check: "watchkeeper/blind",
    key: "stage/pump",
    state: "opened",
    severity: "warning",
    title: "I have not seen stage/pump since 09:00",
    since: begin + minute,
  });
  expect(kept.printed.at(-1)).toContain("I have not seen stage/pump since 09:00");
  expect(kept.beats.at(-1)!.checks).toMatchObject([
    { name: "stage/pump", outcome: "failed", error: "the gauge is out of reach" },
  ]);

  isBroken = false;
  await kept.pass(4 * minute);
  expect(await health()).toEqual({ status: "ok", consecutiveFailures: 0 });
  expect(await kept.findings()).toMatchObject([
    { key: "leak", state: "opened", status: "open" },
    { key: "stage/pump", state: "resolved", status: "resolved" },
  ]);
  expect(kept.printed.at(-1)).toContain("Over after 7m: I have not seen stage/pump since 09:00");
  expect(kept.printed).toHaveLength(3);
});

test("an ICS file edited between two beats gives moved, and one that is not a calendar changes nothing", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const file = join(folder.path, "team.ics");
  const start = clock.now() + 30 * hour;
  const review = { id: "review", title: "Budget review", start, end: start + hour };
  await writeCalendar(file, [review]);
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "5m" } },
    skills: { calendar: { every: "5m", sources: [{ name: "team", ics: "./team.ics" }] } },
  });
  expect(await kept.findings()).toEqual([]);
  await writeCalendar(file, [{ ...review, start: start + 2 * hour, end: start + 3 * hour }]);
  await kept.pass(5 * minute);
  expect((await kept.findings()).map(({ state, title }) => ({ state, title }))).toEqual([
    {
      state: "opened",
      title: expect.stringMatching(/^Moved: Budget review, from .*15:00.* to .*17:00/),
    },
  ]);

  await writeFile(file, "<!doctype html><title>Sign in</title>");
  await kept.pass(5 * minute);
  expect(kept.beats.at(-1)!.checks).toMatchObject([{ name: "calendar/team", outcome: "failed" }]);
  expect(await kept.findings()).toMatchObject([{ status: "open" }]);
});
