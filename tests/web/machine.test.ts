import { expect, test } from "vitest";
import { askedFor, offerPage, type Offered } from "./offered.ts";
import { readExposition } from "./exposition.ts";

/** What other programs ask: whether it lives, whether it watches, and the numbers. */

const minute = 60_000;

test("it is ready once a beat has completed, and no more when beats stop", async () => {
  await using page = await offerPage();
  const ready = async () => {
    const { status, text } = await page.ask("GET", "/readyz");
    return [status, text.trim()];
  };
  expect(await ready()).toEqual([200, "ok"]);
  // A lid that is closed: the clock of the day goes on, and no timer comes.
  page.clock.set(page.clock.now() + 12 * minute);
  expect(await ready()).toEqual([200, "ok"]);
  page.clock.set(page.clock.now() + minute);
  expect(await ready()).toEqual([503, "no beat has completed for 13 minutes"]);
  expect((await page.ask("GET", "/healthz")).status).toBe(200);
  await page.kept.pass(minute);
  expect(await ready()).toEqual([200, "ok"]);
});

async function scrape(page: Offered) {
  // What was counted within the second before would be given again.
  await page.clock.advance(1_000);
  const reply = await page.ask("GET", "/metrics");
  expect(reply.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
  return readExposition(reply.text);
}

test("the numbers are the store's, and a restart forgets none", async () => {
  await using asked = await askedFor(["a <b>secret</b> text", "b"]);
  const { page } = asked;
  await page.kept.pass(20 * minute);
  const { cookie, csrf } = await page.enter();
  const home = (await page.ask("GET", "/", { headers: { cookie } })).text;
  const hash = /name="hash" value="(\w+)"/.exec(home)?.[1] ?? "";
  await page.post("/approvals/1/approve", { csrf, hash }, cookie);
  await page.kept.watch.attendance.settle(null);
  await page.kept.settle();

  const { store } = page.kept;
  const beats = await store.listBeats({ limit: 1_000 });
  const runs = await store.listRuns({ limit: 1_000 });
  const findings = await store.listFindings({ all: false, limit: 1_000 });
  const calls = await store.spendCalls({ since: 0 });
  const effects = await store.listEffects({ limit: 1_000 });
  const count = (outcomes: (string | null)[]) =>
    beats.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

  const before = await scrape(page);
  expect(before.of("beats_total", { outcome: "completed" })).toBe(count(["quiet", "found"]));
  expect(before.of("beats_total", { outcome: "missed" })).toBe(count(["missed"]));
  expect(before.of("beats_total", { outcome: "failed" })).toBe(count(["failed"]));
  expect(before.of("beats_found_total")).toBe(count(["found"]));
  expect(count(["quiet"])).toBeGreaterThan(2);
  expect(before.of("last_beat_timestamp_seconds")).toBe((beats[0]?.finishedAt ?? 0) / 1_000);
  expect(before.of("runs_total", { outcome: "ok" })).toBe(
    runs.filter(({ outcome }) => outcome === "ok").length,
  );
  expect(before.sum("findings_open")).toBe(findings.length);
  expect(before.sum("finding_events_total")).toBeGreaterThanOrEqual(findings.length);
  const model = { model: calls[0]?.model ?? "" };
  expect(before.of("model_calls_total", model)).toBe(calls.length);
  expect(before.sum("tokens_total")).toBe(sum(calls.map(({ tokens }) => tokens)));
  expect(before.of("tokens_total", { ...model, kind: "input" })).toBe(
    sum(runs.map(({ inputTokens }) => inputTokens)),
  );
  expect(before.of("tokens_total", { ...model, kind: "output" })).toBe(
    sum(runs.map(({ outputTokens }) => outputTokens)),
  );
  expect(before.of("cost_usd_total", model)).toBeCloseTo(
    sum(calls.map(({ costUsd }) => costUsd)),
    10,
  );
  expect(before.of("effects", { effect: "send", state: "done" })).toBe(effects.length);
  expect(effects).toHaveLength(1);
  expect(before.of("approvals", { status: "approved" })).toBe(1);
  expect(before.of("approvals", { status: "pending" })).toBe(1);
  // Its own, and the nightly consolidation.
  expect(before.of("checks", { status: "ok" })).toBe(2);
  expect(before.of("info", { version: "1.2.3" })).toBe(1);

  await page.restart();
  const after = await scrape(page);
  for (const { name, labels, value } of before.samples.filter(({ name }) =>
    name.endsWith("_total"),
  )) {
    expect(after.of(name, labels), name).toBeGreaterThanOrEqual(value);
  }
  expect(after.of("runs_total", { outcome: "ok" })).toBe(
    before.of("runs_total", { outcome: "ok" }),
  );
});

test("what has not happened yet is there as nought", async () => {
  await using page = await offerPage();
  const { of, sum } = await scrape(page);
  expect(of("runs_total", { outcome: "failed" })).toBe(0);
  expect(of("approvals", { status: "pending" })).toBe(0);
  expect(of("finding_events_total", { state: "opened", severity: "critical" })).toBe(0);
  expect(of("findings_open", { severity: "warning" })).toBe(0);
  expect(sum("effects")).toBe(0);
});

test("the numbers hold nothing that somebody wrote, and nothing of the process", async () => {
  await using asked = await askedFor(["secret text"]);
  const { text } = await asked.page.ask("GET", "/metrics");
  const { samples } = readExposition(text);
  expect(samples.length).toBeGreaterThan(15);
  for (const { labels } of samples) {
    expect(
      Object.keys(labels).filter(
        (label) =>
          !/^(outcome|status|state|severity|effect|kind|model|channel|version)$/.test(label),
      ),
    ).toEqual([]);
  }
  expect(text).not.toMatch(/secret|lamp|stage|process_|nodejs_/);
});

test("through a proxy the numbers are for the owner alone", async () => {
  await using page = await offerPage({ web: { publicUrl: "https://watch.example" } });
  const authorization = `Bearer ${page.token}`;
  for (const host of ["watch.example", `127.0.0.1:${page.port}`]) {
    const statusOf = async (path: string, headers: Record<string, string> = {}) =>
      (await page.ask("GET", path, { headers: { host, ...headers } })).status;
    expect(await statusOf("/metrics")).toBe(401);
    expect(await statusOf("/metrics", { authorization })).toBe(200);
    expect(await statusOf("/healthz")).toBe(200);
    expect(await statusOf("/readyz")).toBe(200);
  }
  const origin = "https://watch.example";
  const headers = {
    host: "watch.example",
    origin,
    "content-type": "application/x-www-form-urlencoded",
  };
  const entered = await page.ask("POST", "/login", { headers, body: `token=${page.token}` });
  expect(entered.status).toBe(303);
  expect(entered.headers["set-cookie"]?.[0]).toMatch(
    /^__Host-watchkeeper=.*; Path=\/; .*; Secure$/,
  );
});
