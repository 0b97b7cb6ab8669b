import { describe, expect, it } from "vitest";
import type { Finding } from "../domain/finding.ts";
import { untold, type TellingHistory } from "../domain/telling.ts";
import type { NotificationRecord } from "../store/port.ts";
import { composeTelling } from "./compose.ts";
import { composeDigest, worthTelling } from "./digest.ts";

const now = Date.parse("2026-11-24T08:30:00Z");
const minute = 60_000;

const finding = (id: number, changes: Partial<Finding> = {}): Finding => ({
  ...{ id, skill: "inbox", check: "inbox/work", key: `k${id}`, state: "opened", status: "open" },
  ...{ severity: "notice", trust: "trusted", title: `mail ${id}`, text: null, data: null },
  ...{ revision: 1, handledRevision: 1, toldRevision: 0, resolvedAt: null, since: null },
  ...{ openedAt: now - 600 * minute, changedAt: now - 600 * minute },
  ...{ verdict: null, decidedBy: null },
  ...changes,
});

const held = (id: number, changes: Partial<NotificationRecord> = {}): NotificationRecord => ({
  ...{ id: 100 + id, runId: null, kind: "finding", state: "held", findings: [id] },
  ...{ severity: "notice", title: `mail ${id}`, body: "", why: "", dueAt: now },
  ...{ createdAt: now - 60 * minute + id, heldBecause: "verdict" },
  ...changes,
});

const digest = (items: readonly NotificationRecord[], open: readonly Finding[] = []) => {
  const findings = items.flatMap((item) => item.findings.map((id) => [id, finding(id)] as const));
  return composeDigest(
    items,
    open.map((each) => ({ finding: each, tellings: [] })),
    { findings: new Map(findings), now },
  );
};

const many = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("the digest", () => {
  it("counts what it does not show, and says how to see it", () => {
    const { body, findings, title } = digest(many(22).map((id) => held(id)));
    expect(title).toBe("Digest: 22 things");
    expect(body.split("\n").filter((line) => line.startsWith("  notice:"))).toHaveLength(10);
    expect(body).toContain(
      "  and 12 more of inbox/work\n\n`watchkeeper findings --all` shows all.",
    );
    expect(findings).toHaveLength(22);
  });

  it("stays within its length, whatever it is about", () => {
    const long = "x".repeat(300);
    const items = many(400).map((id) =>
      held(id, { title: long, body: `The model says: ${long}${long} ${id}` }),
    );
    const findings = many(400).map((id) => [id, finding(id, { check: `inbox/${id}` })] as const);
    const { body } = composeDigest(items, [], { findings: new Map(findings), now });
    expect(body.length).toBeLessThan(30_000);
    expect(body).toMatch(
      /and \d+ more of other checks\n\n`watchkeeper findings --all` shows all\.$/,
    );
  });

  it("says the same words of the model about several once, under their titles", () => {
    const body = "The model says: Newsletters.";
    expect(digest([held(1, { body }), held(2), held(3, { body })]).body).toBe(
      [
        "inbox:",
        "  notice: mail 1",
        "  notice: mail 3",
        "    The model says of these 2: Newsletters.",
        "  notice: mail 2",
      ].join("\n"),
    );
  });

  it("has what was held back first, and what is still open last", () => {
    const items = [
      held(1),
      held(2, { heldBecause: "cap" }),
      held(3, { heldBecause: "cap", severity: "warning" }),
      held(4, { heldBecause: "cap", severity: "warning", createdAt: now - 90 * minute }),
    ];
    const fence = finding(9, { severity: "warning", title: "the fence is down", toldRevision: 1 });
    const { body, title, tellings } = digest(items, [fence]);
    expect(title).toBe("Digest: 4 things, 1 still open");
    expect(body).toBe(
      [
        "Held back, as the day had enough interruptions:",
        "  warning: mail 4",
        "  warning: mail 3",
        "  notice: mail 2",
        "",
        "inbox:",
        "  notice: mail 1",
        "",
        "Still open:",
        "  warning: the fence is down, for 10h, said once before",
      ].join("\n"),
    );
    expect(tellings?.map(({ findingId }) => findingId)).toEqual([1, 2, 3, 4, 9]);
  });
});

it("of several questions that were held each is told", () => {
  const ask = (id: number) => held(id, { kind: "notice", findings: [], approvalId: id });
  expect(worthTelling([ask(1), held(7), ask(2)], [finding(7)], new Map())).toHaveLength(3);
});

describe("of what was held nothing is told", () => {
  const history = (changes: Partial<TellingHistory>): ReadonlyMap<number, TellingHistory> =>
    new Map([[1, { ...untold(1), ...changes }]]);

  it("that has come back since as another finding", () => {
    expect(worthTelling([held(1)], [finding(1)], history({ latestFindingId: 2 }))).toEqual([]);
  });

  it("that was told at once since then", () => {
    const telling = { findingId: 1, kind: "told", state: "opened", severity: "notice" } as const;
    const since = history({ tellings: [{ ...telling, at: now - 5 * minute }] });
    expect(worthTelling([held(1)], [finding(1)], since)).toEqual([]);
    const before = history({ tellings: [{ ...telling, at: now - 500 * minute }] });
    expect(worthTelling([held(1)], [finding(1)], before)).toHaveLength(1);
  });
});

describe("a message about very much at once", () => {
  it("shows the most severe, counts the rest by check, and says how to see it", () => {
    const judged = many(30).map((id) => ({
      finding: finding(id, {
        severity: id === 30 ? "critical" : "warning",
        check: id < 12 ? "inbox/home" : "inbox/work",
      }),
      ...({ verdict: "notify", decidedBy: "model", why: "", message: "Look." } as const),
    }));
    const { notifications } = composeTelling(judged, {
      now,
      settings: { quietHours: null, timezone: "UTC", digestAt: "08:30", interruptionsPerDay: 8 },
      ...{ interruptionsToday: 0, histories: new Map(), caveat: null },
    });
    expect(notifications).toHaveLength(1);
    const { title, body = "", findings } = notifications[0] ?? {};
    expect(title).toBe("mail 30 (and 29 more)");
    expect(findings).toHaveLength(30);
    expect(body).toMatch(/^critical: mail 30\n/);
    expect(body.match(/^warning: /gm)).toHaveLength(15);
    expect(body).toContain("The model says of these 15: Look.");
    expect(body).toContain("and 11 more of inbox/work");
    expect(body).toContain("and 3 more of inbox/home");
    expect(body).toMatch(/`watchkeeper findings --all` shows all\.$/);
  });
});
