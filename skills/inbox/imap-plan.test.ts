import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { completed, type ImapCursor, planLook, uidSet } from "./imap-plan.ts";

const now = Date.parse("2026-11-23T12:00:00Z");
const day = 86_400_000;
const folder = { uidValidity: "7", uidNext: 101, exists: 90 };
const cursor: ImapCursor = {
  version: 1,
  uidValidity: "7",
  nextUid: 101,
  seenUntil: now - 600_000,
  floor: now - 10 * day,
  leftAlone: [],
  backlog: null,
};

describe("planLook", () => {
  it("leaves everything alone at a first look from now on", () => {
    const plan = planLook(null, folder, now, 0);
    expect(plan).toMatchObject({
      kind: "leave-all",
      cursor: { nextUid: 101, floor: now, backlog: null },
    });
  });

  it("takes what arrived within firstSight at a first look", () => {
    const plan = planLook(null, folder, now, 2 * day);
    const backlog = { untilUid: 101, since: now - 2 * day };
    expect(plan).toMatchObject({
      kind: "take",
      reason: "first",
      cursor: { nextUid: 1, floor: now - 2 * day, backlog },
    });
  });

  it("asks nothing when no UID was given out since", () => {
    expect(planLook(cursor, folder, now, 0)).toMatchObject({
      kind: "nothing",
      cursor: { nextUid: 101, seenUntil: now },
    });
  });

  it("takes from the next UID on", () => {
    expect(planLook(cursor, { ...folder, uidNext: 121 }, now, 0)).toEqual({
      kind: "take",
      reason: "new",
      cursor,
    });
  });

  it.each([
    ["UIDVALIDITY changed", { ...folder, uidValidity: "8", uidNext: 40 }],
    ["UIDs went back", { ...folder, uidNext: 40 }],
  ])("looks a day back when %s", (_, changed) => {
    const plan = planLook(cursor, changed, now, 0);
    const backlog = { untilUid: 40, since: cursor.seenUntil - day };
    expect(plan).toMatchObject({
      reason: "renumbered",
      cursor: { uidValidity: changed.uidValidity, nextUid: 1, backlog },
    });
  });

  it("never looks back beyond what was left alone", () => {
    const young = { ...cursor, floor: now - 3_600_000 };
    const plan = planLook(young, { ...folder, uidValidity: "8" }, now, 0);
    expect(plan.cursor.backlog?.since).toBe(young.floor);
  });

  it("does not move the bookmark's time back when the clock does", () => {
    expect(completed(cursor, 101, now - 5 * day).seenUntil).toBe(cursor.seenUntil);
  });
});

describe("uidSet", () => {
  it("names exactly the UIDs given", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (numbers) => {
        const uids = numbers.toSorted((a, b) => a - b);
        const named = uidSet(uids)
          .split(",")
          .flatMap((part) => {
            const [from = 0, to = from] = part.split(":").map(Number);
            return Array.from({ length: to - from + 1 }, (_, index) => from + index);
          });
        expect(named).toEqual(uids);
      }),
    );
  });
});
