import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Finding, Severity } from "../domain/finding.ts";
import type { NotificationRecord } from "../store/port.ts";
import type { AttentionSettings } from "./attention-settings.ts";
import { composeTelling, type JudgedFinding } from "./compose.ts";
import { composeDigest, worthTelling } from "./digest.ts";

const at = (time: string): number => Date.parse(`2026-11-23T${time}:00Z`);
const now = at("10:00");

const settings: AttentionSettings = {
  quietHours: { startMinute: 22 * 60, endMinute: 7 * 60 },
  timezone: "UTC",
  digestAt: "08:30",
  interruptionsPerDay: 3,
};

const finding = (changes: Partial<Finding> = {}): Finding => ({
  id: 1,
  skill: "services",
  check: "services/api",
  key: "api",
  state: "opened",
  status: "open",
  severity: "warning",
  trust: "trusted",
  title: "api is down",
  text: "HTTP 503 three times",
  data: null,
  revision: 1,
  handledRevision: 0,
  toldRevision: 0,
  openedAt: at("09:58"),
  changedAt: at("09:58"),
  resolvedAt: null,
  since: null,
  verdict: null,
  decidedBy: null,
  ...changes,
});

const judged = (
  changes: Partial<Finding> = {},
  verdict: Partial<JudgedFinding> = {},
): JudgedFinding => ({
  finding: finding(changes),
  verdict: "notify",
  decidedBy: "rules",
  why: "warning: told at once",
  message: null,
  ...verdict,
});

const tell = (
  items: readonly JudgedFinding[],
  { interruptionsToday = 0, caveat = null as string | null, when = now } = {},
) =>
  composeTelling(items, { now: when, settings, interruptionsToday, histories: new Map(), caveat });

describe("who is told, and when", () => {
  const digest = Date.parse("2026-11-24T08:30:00Z");
  it.each<[string, Partial<JudgedFinding>, Severity, object, object | null]>([
    ["notify", {}, "warning", {}, { state: "ready", dueAt: now }],
    ["digest", { verdict: "digest" }, "warning", {}, { state: "held", dueAt: digest }],
    ["ignore", { verdict: "ignore" }, "warning", {}, null],
    [
      "notify in quiet hours",
      {},
      "warning",
      { when: at("23:00") },
      { state: "held", dueAt: Date.parse("2026-11-24T07:00:00Z") },
    ],
    [
      "critical in quiet hours",
      {},
      "critical",
      { when: at("23:00") },
      { state: "ready", why: "critical: told at once, even in quiet hours" },
    ],
    ["below the cap", {}, "warning", { interruptionsToday: 2 }, { state: "ready" }],
    [
      "at the cap",
      {},
      "warning",
      { interruptionsToday: 3 },
      { state: "held", dueAt: digest, why: expect.stringContaining("interruptionsPerDay (3)") },
    ],
    ["critical at the cap", {}, "critical", { interruptionsToday: 3 }, { state: "ready" }],
  ])("%s", (_, verdict, severity, options, expected) => {
    const { notifications, verdicts } = tell([judged({ severity }, verdict)], options);
    expect(notifications).toMatchObject(expected ? [{ ...expected, findings: [1] }] : []);
    const told = expected !== null && "state" in expected && expected.state === "ready";
    expect(verdicts).toMatchObject([{ findingId: 1, revision: 1, decidedBy: "rules", told }]);
  });

  it("not what this very form of it was told of, but its next one", () => {
    const told = tell([judged({ revision: 2, toldRevision: 2 })]);
    expect(told.notifications).toEqual([]);
    expect(told.verdicts).toMatchObject([{ revision: 2, verdict: "notify", told: false }]);
    expect(tell([judged({ revision: 3, toldRevision: 2 })]).notifications).toHaveLength(1);
  });

  it("of several at once in one message, the most severe first", () => {
    const { notifications } = tell([
      judged({ id: 1, severity: "notice", title: "a mail" }),
      judged({ id: 2, severity: "critical", title: "api is down" }),
      judged({ id: 3, severity: "warning", title: "left alone" }, { verdict: "ignore" }),
      judged({ id: 4, severity: "notice", title: "for later" }, { verdict: "digest" }),
      judged({ id: 5, severity: "critical", title: "shop is down" }),
    ]);
    expect(notifications).toMatchObject([
      {
        state: "ready",
        findings: [2, 5, 1],
        severity: "critical",
        title: "api is down (and 2 more)",
        why: "critical: told at once; notice: told at once",
      },
      { state: "held", findings: [4], severity: "notice", title: "for later" },
    ]);
    const places = ["critical: api is down", "critical: shop is down", "notice: a mail"].map(
      (line) => notifications[0]?.body.indexOf(line) ?? -1,
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(0);
  });

  it("nobody of nothing", () => {
    expect(tell([])).toEqual({ verdicts: [], notifications: [] });
  });
});

describe("in which words", () => {
  const bodyOf = (item: JudgedFinding, caveat: string | null = null) =>
    tell([item], { caveat }).notifications[0]?.body;

  it("says where it comes from, since when, what was seen, and that no model looked", () => {
    const { notifications } = tell([judged({ since: at("09:40") })], { caveat: "No model." });
    expect(notifications).toEqual([
      {
        kind: "finding",
        state: "ready",
        findings: [1],
        severity: "warning",
        title: "api is down",
        body: "services/api, finding 1, since 09:40\nHTTP 503 three times\n\nNo model.",
        why: "warning: told at once",
        dueAt: now,
        tellings: [{ findingId: 1, kind: "told", state: "opened", severity: "warning" }],
      },
    ]);
  });

  it("marks the model's words, on one line, and its verdict as the reason", () => {
    const message = "Call\nAnn\u001b[2J now";
    const { notifications } = tell([judged({ text: null }, { decidedBy: "model", message })]);
    expect(notifications).toMatchObject([
      {
        body: "services/api, finding 1, since 09:58\nThe model says: Call Ann[2J now",
        why: "the model said notify; warning: told at once",
      },
    ]);
  });

  it.each<[string, Partial<Finding>, string]>([
    ["changed", { state: "changed" }, "Changed: api is down"],
    [
      "over, with how long it lasted",
      { state: "resolved", resolvedAt: at("10:03") },
      "Over after 5m: api is down",
    ],
    [
      "over, counted from when it began",
      { state: "resolved", since: at("08:00"), resolvedAt: at("10:05") },
      "Over after 2h 5m: api is down",
    ],
    [
      "over before it began, on a clock that was set",
      { state: "resolved", since: at("10:10"), resolvedAt: at("10:05") },
      "Over after 0ms: api is down",
    ],
  ])("says that it is %s", (_, changes, title) => {
    expect(tell([judged(changes)]).notifications).toMatchObject([{ title }]);
  });

  it("calls it a recovery when all of it is over, and tells what is not over first", () => {
    const over = { state: "resolved", severity: "critical", resolvedAt: at("10:03") } as const;
    const alone = tell([judged({ ...over, id: 1 }), judged({ ...over, id: 2 })]);
    expect(alone.notifications).toMatchObject([{ kind: "recovery", findings: [1, 2] }]);
    expect(alone.notifications[0]?.body).toMatch(/^ok: Over after 5m: api is down\n/);

    const mixed = tell([judged({ ...over, id: 1 }), judged({ id: 2, title: "shop is slow" })]);
    expect(mixed.notifications).toMatchObject([
      {
        kind: "finding",
        severity: "warning",
        title: "shop is slow (and 1 more)",
        findings: [2, 1],
      },
    ]);

    const waiting = tell([judged({ ...over, severity: "warning" }, { verdict: "digest" })]);
    expect(waiting.notifications).toMatchObject([{ kind: "recovery", state: "held" }]);
  });

  it("does not repeat what was seen once it is over, and says why its end is told", () => {
    const over = {
      state: "resolved",
      resolvedAt: at("10:03"),
      toldRevision: 1,
      revision: 2,
    } as const;
    const why = "over, and you were told that it began";
    const { notifications } = tell([judged(over, { why })]);
    expect(notifications).toMatchObject([{ why, body: "services/api, finding 1, since 09:58" }]);
  });

  it("quotes what a stranger wrote, so that no line of it passes for ours or the model's", () => {
    const text = "hello\nThe model says: pay at once\ncritical: api is down";
    const body = bodyOf(judged({ trust: "untrusted", text }, { message: "A scam." }));
    expect(body?.split("\n").slice(1)).toEqual([
      "> hello",
      "> The model says: pay at once",
      "> critical: api is down",
      "The model says: A scam.",
    ]);
  });

  it("cuts a long text between characters", () => {
    const body = bodyOf(judged({ text: "🙂".repeat(1_000) })) ?? "";
    expect(body.isWellFormed()).toBe(true);
    expect(body).toMatch(/🙂…$/);
    expect(body.length).toBeLessThan(700);
  });

  it("holds no control characters, whatever was seen or said", () => {
    const nasty = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(
        nasty,
        nasty,
        nasty,
        nasty,
        fc.boolean(),
        (title, text, message, caveat, later) => {
          const item = judged({ title, text }, { message, verdict: later ? "digest" : "notify" });
          for (const told of tell([item], { caveat }).notifications) {
            const texts = [told.title, told.body, digestOf([record(1, told)]).body];
            for (const said of texts) {
              expect(said).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e]/u);
              expect(said.isWellFormed()).toBe(true);
            }
            expect(told.title).not.toMatch(/[\n\t]/);
          }
        },
      ),
    );
  });
});

describe("of what was held", () => {
  const held = (id: number, createdAt = at("09:00"), title = "x"): NotificationRecord => ({
    ...{ id: id * 10, runId: null, kind: "finding", state: "held", findings: [id] },
    ...{ severity: "notice", title, body: "", why: "", dueAt: now, createdAt },
  });

  it.each<[string, Partial<Finding>, boolean]>([
    ["what is open", {}, true],
    ["not what the owner put off", { status: "snoozed" }, false],
    ["not what the owner acknowledged", { status: "acked" }, false],
    ["not what is over since", { status: "resolved", resolvedAt: at("09:30") }, false],
    ["its end, when that was held", { status: "resolved", resolvedAt: at("09:00") }, true],
  ])("tells %s", (_, changes, told) => {
    expect(worthTelling([held(1)], [finding(changes)], new Map())).toHaveLength(told ? 1 : 0);
  });

  it("tells the last word on each finding, and what nothing is known of any more", () => {
    const items = [held(1, at("08:00"), "old"), held(2), held(1, at("09:00"), "new")];
    expect(worthTelling(items, [finding()], new Map()).map(({ title }) => title)).toEqual([
      "new",
      "x",
    ]);
  });
});

describe("the digest", () => {
  it("is one message grouped by skill, the most severe first, with the model's words", () => {
    const caveat = "No model looked at this: there is no key.";
    const later = (changes: Partial<Finding>, message: string | null = null) =>
      judged(changes, { verdict: "digest", message });
    const { notifications: held } = tell(
      [
        later({ id: 1, skill: "inbox", severity: "notice", title: "A bill" }, "Due on Friday."),
        later({ id: 2, skill: "services", title: "slow" }),
        later({ id: 3, skill: "inbox", severity: "warning", title: "From the bank" }),
      ],
      { caveat },
    );
    const digest = digestOf(held.map((told, index) => record(index + 1, told)));
    expect(digest).toMatchObject({
      kind: "digest",
      state: "ready",
      findings: [1, 2, 3],
      severity: "warning",
      title: "Digest: 3 things",
      body: [
        "inbox:",
        "  warning: From the bank",
        "  notice: A bill",
        "    The model says: Due on Friday.",
        "",
        "services:",
        "  warning: slow",
        "",
        caveat,
      ].join("\n"),
      why: "the digest is due",
      dueAt: now,
      tellings: [1, 2, 3].map((findingId) => ({ findingId, kind: "digest", state: "opened" })),
    });
  });

  it("says where to read what waits for a word, and tears no question apart", () => {
    const body = 'This would be done:\n{\n  "to": "ann"\n}';
    const ask = (id: number): NotificationRecord => ({
      ...{ id, runId: null, kind: "notice", state: "held", findings: [], severity: "warning" },
      ...{ title: `Your word is asked: send (approval ${id})`, body, why: "", dueAt: now },
      ...{ approvalId: id, createdAt: now },
    });
    expect(digestOf([ask(1), ask(2)]).body).toBe(
      [
        "Waits for your word:",
        ...[1, 2].flatMap((id) => [
          `  warning: Your word is asked: send (approval ${id})`,
          `    \`watchkeeper approvals show ${id}\` shows what would be done, and until when.`,
        ]),
      ].join("\n"),
    );
  });

  it("is of one thing, too", () => {
    const { notifications } = tell([judged({}, { verdict: "digest" })]);
    const [held] = notifications;
    if (!held) throw new Error("nothing was held");
    expect(digestOf([record(1, held)])).toMatchObject({
      title: "Digest: 1 thing",
      body: "services:\n  warning: api is down",
    });
  });
});

const skills = new Map([
  [1, "inbox"],
  [2, "services"],
  [3, "inbox"],
]);

function digestOf(held: readonly NotificationRecord[]) {
  const findings = held
    .flatMap((item) => item.findings)
    .map((id) => {
      const skill = held.length > 1 ? (skills.get(id) ?? "other") : "services";
      return [id, finding({ id, skill, check: `${skill}/check` })] as const;
    });
  return composeDigest(held, [], { findings: new Map(findings), now });
}

function record(
  id: number,
  told: ReturnType<typeof composeTelling>["notifications"][number],
): NotificationRecord {
  return { ...told, id, runId: null, createdAt: now };
}
