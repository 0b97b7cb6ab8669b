import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  changeIsNews,
  diffLook,
  endIsNews,
  type Change,
  type KnownObservation,
  type SeenLook,
} from "./diff.ts";
import type { FindingStatus, Observation, Severity } from "./finding.ts";

const now = 1_000;

const seen = (key: string, fingerprint = "f", closesAt: number | null = null): Observation => ({
  key,
  fingerprint,
  closesAt,
  severity: "notice",
  title: key,
  text: null,
  data: null,
  trust: "trusted",
  since: null,
});

const known = (key: string, changes: Partial<KnownObservation> = {}): KnownObservation => ({
  key,
  fingerprint: "f",
  findingId: 1,
  closesAt: null,
  goneAt: null,
  ...changes,
});

const look = (observations: Observation[], rest: Partial<SeenLook> = {}): SeenLook => ({
  observations,
  complete: false,
  gone: [],
  ...rest,
});

const byKey = (...rows: KnownObservation[]) => new Map(rows.map((row) => [row.key, row]));

const words = (changes: readonly Change[]): string[] =>
  changes.map((change) => {
    if (change.kind === "opened") return `opened ${change.observation.key}`;
    if (change.kind === "resolved") return `resolved ${change.known.key}: ${change.because}`;
    return `${change.kind} ${change.known.key}`;
  });

describe("diffLook", () => {
  it.each<[string, KnownObservation[], SeenLook, string[]]>([
    ["nothing known, nothing seen", [], look([]), []],
    ["a new key is opened", [], look([seen("a")]), ["opened a"]],
    ["a known one is nothing", [known("a")], look([seen("a")]), []],
    ["a new fingerprint is changed", [known("a")], look([seen("a", "g")]), ["changed a"]],
    [
      "a resolved one is opened again",
      [known("a", { goneAt: 5 })],
      look([seen("a")]),
      ["opened a"],
    ],
    ["news resolve nothing of yesterday's", [known("a")], look([seen("b")]), ["opened b"]],
    [
      "a complete look resolves what it misses",
      [known("a"), known("b")],
      look([seen("b")], { complete: true }),
      ["resolved a: missing"],
    ],
    [
      "a complete look of nothing resolves all that holds",
      [known("a"), known("b", { goneAt: 5 })],
      look([], { complete: true }),
      ["resolved a: missing"],
    ],
    ["what is named gone", [known("a")], look([], { gone: ["a"] }), ["resolved a: gone"]],
    [
      "gone weighs more than seen",
      [known("a")],
      look([seen("a", "g")], { gone: ["a"] }),
      ["resolved a: gone"],
    ],
    ["gone before it was ever known", [], look([seen("a")], { gone: ["a", "b"] }), []],
    ["gone twice", [known("a", { goneAt: 5 })], look([], { gone: ["a"] }), []],
    ["the last word on a key counts", [known("a")], look([seen("a", "g"), seen("a", "f")]), []],
    ["a key twice is opened once", [], look([seen("a", "f"), seen("a", "g")]), ["opened a"]],
    ["past its end at first sight", [], look([seen("a", "f", now)]), []],
    ["before its end", [], look([seen("a", "f", now + 1)]), ["opened a"]],
    ["its end has come", [known("a", { closesAt: now })], look([]), ["resolved a: closed"]],
    [
      "its end has come, says the look",
      [known("a", { closesAt: now + 9 })],
      look([seen("a", "g", now)]),
      ["resolved a: closed"],
    ],
    [
      "the look puts its end off",
      [known("a", { closesAt: now })],
      look([seen("a", "f", now + 9)]),
      ["rescheduled a"],
    ],
    [
      "the look takes its end away",
      [known("a", { closesAt: now + 9 })],
      look([seen("a")]),
      ["rescheduled a"],
    ],
    [
      "changed, with another end",
      [known("a", { closesAt: now + 9 })],
      look([seen("a", "g", now + 5)]),
      ["changed a"],
    ],
  ])("%s", (_, rows, looked, expected) => {
    expect(words(diffLook(byKey(...rows), looked, now))).toEqual(expected);
  });

  const keys = fc.constantFrom("a", "b", "c", "__proto__");
  const anyLook = fc.record({
    observations: fc.array(
      fc
        .tuple(keys, fc.constantFrom("f", "g"), fc.option(fc.integer({ min: 0, max: 200 })))
        .map(([key, fingerprint, closesAt]) => seen(key, fingerprint, closesAt)),
      { maxLength: 5 },
    ),
    complete: fc.boolean(),
    gone: fc.array(keys, { maxLength: 2 }),
  });

  it("never opens what is open, nor changes or resolves what is not", () => {
    fc.assert(
      fc.property(fc.array(anyLook, { maxLength: 20 }), (looks) => {
        const memory = new Map<string, KnownObservation>();
        for (const [index, looked] of looks.entries()) {
          const open = new Set([...memory.values()].filter(holds).map(({ key }) => key));
          const touched = new Set<string>();
          for (const change of diffLook(memory, looked, index * 10)) {
            const key = change.kind === "opened" ? change.observation.key : change.known.key;
            expect(open.has(key)).toBe(change.kind !== "opened");
            expect(touched.has(key)).toBe(false);
            touched.add(key);
            remember(memory, change, index * 10);
          }
        }
      }),
    );
  });

  it("resolves by a look that is not complete only what is gone or closed", () => {
    fc.assert(
      fc.property(anyLook, anyLook, (first, second) => {
        const memory = remembered(first, 0);
        for (const change of diffLook(memory, { ...second, complete: false }, 100)) {
          if (change.kind === "resolved") expect(change.because).not.toBe("missing");
        }
      }),
    );
  });

  it("finds nothing in the same look the second time", () => {
    fc.assert(
      fc.property(anyLook, anyLook, (first, second) => {
        const memory = remembered(first, 50);
        for (const change of diffLook(memory, second, 100)) remember(memory, change, 100);
        expect(words(diffLook(memory, second, 100))).toEqual([]);
      }),
    );
  });

  it("leaves what it was given as it was", () => {
    fc.assert(
      fc.property(anyLook, anyLook, (first, second) => {
        const memory = remembered(first, 0);
        const before = structuredClone([...memory]);
        diffLook(memory, second, 100);
        expect([...memory]).toEqual(before);
      }),
    );
  });

  function remembered(looked: SeenLook, at: number): Map<string, KnownObservation> {
    const memory = new Map<string, KnownObservation>();
    for (const change of diffLook(memory, looked, at)) remember(memory, change, at);
    return memory;
  }
});

describe("what the owner has put aside", () => {
  it.each<[FindingStatus, Severity, Severity, boolean]>([
    ["open", "warning", "warning", true],
    ["open", "critical", "info", true],
    ["acked", "warning", "warning", false],
    ["acked", "warning", "notice", false],
    ["acked", "warning", "critical", true],
    ["snoozed", "notice", "notice", false],
    ["snoozed", "notice", "warning", true],
  ])("%s, from %s to %s: news %s", (status, before, after, news) => {
    expect(changeIsNews({ skill: "inbox", status, severity: before }, after)).toBe(news);
  });

  it.each<[FindingStatus, boolean]>([
    ["open", true],
    // The owner knows of the last occasion, not of this one.
    ["acked", true],
    ["snoozed", false],
  ])("a standing order that is due once more, %s: news %s", (status, news) => {
    const order = { skill: "standing-orders", status, severity: "notice" } as const;
    expect(changeIsNews(order, "notice")).toBe(news);
  });

  it.each<[FindingStatus, Severity, "judged" | "unjudged", "gone" | "missing" | "closed", boolean]>(
    [
      ["open", "notice", "unjudged", "gone", true],
      ["open", "notice", "judged", "missing", true],
      ["open", "notice", "unjudged", "closed", false],
      ["open", "warning", "judged", "closed", false],
      ["open", "warning", "unjudged", "closed", true],
      ["acked", "warning", "unjudged", "gone", false],
      ["acked", "critical", "unjudged", "closed", false],
      ["snoozed", "notice", "judged", "missing", true],
    ],
  )("%s, %s, %s, and then %s: news %s", (status, severity, judged, because, news) => {
    const handledRevision = judged === "judged" ? 1 : 0;
    const finding = { status, severity, revision: 1, handledRevision, toldRevision: 0 };
    expect(endIsNews(finding, because)).toBe(news);
  });

  it.each<[FindingStatus, Parameters<typeof endIsNews>[1], boolean]>([
    ["acked", "gone", true],
    ["acked", "closed", false],
    ["snoozed", "missing", true],
  ])("%s after it had interrupted the owner, and then %s: news %s", (status, because, news) => {
    const told = { revision: 1, handledRevision: 1, toldRevision: 1 };
    expect(endIsNews({ ...told, status, severity: "critical" }, because)).toBe(news);
  });
});

const holds = ({ goneAt }: KnownObservation): boolean => goneAt === null;

/** What a store keeps of a change. */
function remember(memory: Map<string, KnownObservation>, change: Change, at: number): void {
  switch (change.kind) {
    case "opened":
    case "changed": {
      const { key, fingerprint, closesAt } = change.observation;
      memory.set(key, known(key, { fingerprint, closesAt }));
      break;
    }
    case "rescheduled":
      memory.set(change.known.key, { ...change.known, closesAt: change.closesAt });
      break;
    case "resolved":
      memory.set(change.known.key, { ...change.known, goneAt: at });
  }
}
