import { describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { recall } from "./memory.ts";
import type { ProbeResult } from "./probes/probe.ts";
import { describeLook } from "./say.ts";
import { targetOf } from "./services-fixture.ts";
import type { Target } from "./target.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 20, 12);
const good: ProbeResult = { ok: true, ms: 5, detail: "HTTP 200" };
const refused: ProbeResult = { ok: false, ms: 1, fault: "down", reason: "connection refused" };
const slow: ProbeResult = {
  ok: false,
  ms: 900,
  fault: "slow",
  reason: "answered after 900 ms, more than 800 ms",
};

const target = (extra: Record<string, unknown>): Target =>
  targetOf(extra, { failureThreshold: 2, successThreshold: 2 });
const api = target({ http: "https://api.example.com/health?token=hush" });

function looks(of: Target, results: ProbeResult[], setAside: (string | null)[] = []) {
  let cursor: unknown = null;
  return results.map((probe, index) => {
    const now = start + index * minute;
    const sight = { now, probe, setAside: setAside[index] ?? null };
    const look = describeLook(of, probe, judge(of, recall(cursor, of, now), sight));
    // As the store does between two looks.
    cursor = JSON.parse(JSON.stringify(look.cursor));
    return look;
  });
}

describe("what a look says", () => {
  it("says nothing of a doubt but a note, and takes nothing back", () => {
    const [first] = looks(api, [refused]);
    expect(first).toMatchObject({ observations: [], notes: ["api: connection refused (1 of 2)"] });
    expect(first?.gone).not.toContain("down");
    expect(first).not.toHaveProperty("complete");
  });

  it("opens with the time of the first failure, our words, and no secret of the address", () => {
    const opened = looks(api, [good, refused, refused])[2]?.observations;
    expect(opened).toEqual([
      {
        key: "down",
        severity: "critical",
        title: "api is down: connection refused",
        text: "2 probes in a row failed: https://api.example.com (http).",
        trust: "trusted",
        fingerprint: `down:${start + minute}`,
        since: new Date(start + minute),
        data: {
          target: "api",
          kind: "http",
          fault: "down",
          failures: 2,
          lastReason: "connection refused",
          since: "2026-11-20T12:01:00.000Z",
          lastProbe: { ok: false, ms: 1 },
        },
      },
    ]);
  });

  it("keeps the finding as it is until the target is up again, and then names it as gone", () => {
    const timedOut: ProbeResult = { ...refused, reason: "timed out after 10s" };
    const story = looks(api, [refused, refused, timedOut, good, refused, good, good, good]);
    const fingerprints = story.map(({ observations }) => observations[0]?.fingerprint);
    const same = `down:${start}`;
    expect(fingerprints).toEqual([undefined, same, same, same, same, same, undefined, undefined]);
    expect(story.map(({ gone }) => gone?.includes("down"))).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it("calls slowness a warning, and says when it becomes worse", () => {
    const [, warned, worse] = looks(api, [slow, slow, refused]).map((look) => look.observations[0]);
    expect(warned).toMatchObject({ severity: "warning", title: `api is slow: ${slow.reason}` });
    expect(worse).toMatchObject({ severity: "critical", title: "api is down: connection refused" });
    expect(worse?.fingerprint).not.toBe(warned?.fingerprint);
    expect(worse?.since).toEqual(warned?.since);
  });

  it("is never more severe than the owner said", () => {
    const mild = target({ tcp: "db.example.com:5432", severity: "notice" });
    expect(looks(mild, [slow, slow])[1]?.observations[0]?.severity).toBe("notice");
    expect(looks(mild, [refused, refused])[1]?.observations[0]?.severity).toBe("notice");
  });
});

describe("what a look says of other kinds of trouble", () => {
  it.each([
    [{ disk: { path: "/srv" } }, "1 GB free", "api is short of space: 1 GB free"],
    [{ push: { every: "1d" } }, "no report", "api has not reported: no report"],
    [{ command: ["check"] }, "exit code 2", "api is failing: exit code 2"],
    [{ systemd: "api.service" }, "unit is failed", "api is down: unit is failed"],
  ])("in words that fit %o", (kind, reason, title) => {
    const failed: ProbeResult = { ok: false, ms: 1, fault: "down", reason };
    const said = looks(target(kind), [failed, failed]).at(-1)?.observations[0];
    expect(said?.title).toBe(title);
  });

  it("reminds under the same finding, with how long it has been", () => {
    const patient = target({ tcp: "db.example.com:5432", reminder: "3m" });
    const story = looks(patient, Array<ProbeResult>(9).fill(refused));
    const titles = story.map(({ observations }) => observations[0]?.title);
    expect([...new Set(titles)]).toEqual([
      undefined,
      "api is down: connection refused",
      "api is down (still, after 4m): connection refused",
      "api is down (still, after 7m): connection refused",
    ]);
    expect(new Set(story.map(({ observations }) => observations[0]?.fingerprint)).size).toBe(4);
  });

  it("leaves everything as it was when a look does not count, and notes why", () => {
    const story = looks(api, [refused, refused, good, good, refused], [null, null, "planned work"]);
    expect(story[2]).toMatchObject({ observations: [], gone: [], notes: [] });
    // The success that did not count is not the first of the two that are needed.
    expect(story[3]?.observations).toHaveLength(1);
    const [dead] = looks(api, [refused], ["it depends on router, which is down"]);
    expect(dead?.notes).toEqual([
      "api: connection refused; not judged: it depends on router, which is down",
    ]);
  });
});

describe("what a look says of a certificate", () => {
  const cert = target({ tls: "[2001:db8::1]:443", warnDays: 14 });
  const day = 86_400_000;
  const left = (days: number): ProbeResult => {
    const certificate = { validTo: start + days * day, daysLeft: days };
    return days < 14
      ? { ok: false, ms: 9, fault: "expiry", reason: "", certificate }
      : { ok: true, ms: 9, detail: "", certificate };
  };

  it.each([
    [14, undefined, undefined],
    [13, "warning", "api: certificate expires in 13 days"],
    [3, "warning", "api: certificate expires in 3 days"],
    [2, "critical", "api: certificate expires in 2 days"],
    [0, "critical", "api: certificate expires within a day"],
    [-1, "critical", "api: certificate expired 1 day ago"],
  ])("with %i days left: %s", (days, severity, title) => {
    const [look] = looks(cert, [left(days)]);
    expect(look?.observations[0]?.severity).toBe(severity);
    expect(look?.observations[0]?.title).toBe(title);
    expect(look?.gone).toEqual(severity ? ["flapping", "down"] : ["flapping", "down", "expiry"]);
  });

  it("is news when it is near, urgent and over, not at each day between", () => {
    const validTo = start + 10 * day;
    const fingerprints = [10, 9, 5, 2, 1, 0, -1, -5].map((daysLeft) => {
      const probe: ProbeResult = {
        ok: false,
        ms: 9,
        fault: "expiry",
        reason: "",
        certificate: { validTo, daysLeft },
      };
      return looks(cert, [probe])[0]?.observations[0]?.fingerprint;
    });
    expect(new Set(fingerprints).size).toBe(3);
  });

  it("leaves the finding alone when no certificate was seen", () => {
    const [, blind] = looks(cert, [left(5), refused]);
    expect(blind).toMatchObject({ observations: [], gone: ["flapping"] });
  });

  it("tells an urgent one even when the owner wants no earlier warning", () => {
    const late = target({ tls: "example.com:443", warnDays: 0 });
    expect(looks(late, [left(2)])[0]?.observations[0]?.severity).toBe("critical");
    expect(looks(late, [left(5)])[0]?.observations).toEqual([]);
  });
});
