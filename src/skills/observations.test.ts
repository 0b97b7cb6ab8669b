import { describe, expect, it } from "vitest";
import { SkillError } from "../domain/errors.ts";
import { createScrub } from "../domain/scrub.ts";
import { acceptLook } from "./observations.ts";

const good = { key: "a", severity: "notice", title: "A title" };
const accept = (...observations: unknown[]) => acceptLook({ observations });
const fingerprint = (changes: object) =>
  accept({ ...good, ...changes }).observations[0]?.fingerprint;

function circle(): unknown {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  return ring;
}

describe("a look", () => {
  it("has its defaults filled in: untrusted, nothing else known, nothing resolved", () => {
    expect(accept(good)).toEqual({
      observations: [
        {
          key: "a",
          severity: "notice",
          title: "A title",
          text: null,
          data: null,
          trust: "untrusted",
          fingerprint: expect.stringMatching(/^[\w-]{22}$/),
          closesAt: null,
          since: null,
        },
      ],
      actions: [],
      complete: false,
      gone: [],
      cursor: undefined,
      notes: [],
    });
  });

  it("keeps what the check said", () => {
    const closesAt = new Date("2026-11-23T10:00:00Z");
    const since = new Date("2026-11-23T09:00:00Z");
    const said = {
      text: "x",
      data: { n: 1 },
      trust: "trusted",
      fingerprint: "v1",
      closesAt,
      since,
    };
    const result = {
      observations: [{ ...good, ...said }],
      ...{ complete: true, gone: ["b"], cursor: { uid: 5 }, notes: ["3 left alone"] },
    };
    expect(acceptLook(result)).toMatchObject({
      observations: [{ ...said, closesAt: closesAt.getTime(), since: since.getTime() }],
      ...{ complete: true, gone: ["b"], cursor: { uid: 5 }, notes: ["3 left alone"] },
    });
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "LOOK_INVALID"],
    ["null", null, "LOOK_INVALID"],
    ["text", "done", "LOOK_INVALID"],
    ["a list", [good], "LOOK_INVALID"],
    ["no observations", { cursor: 1 }, "LOOK_INVALID"],
    ["observations that are no list", { observations: {} }, "LOOK_INVALID"],
    [
      "complete: false, which is not a word for it",
      { observations: [], complete: false },
      "LOOK_INVALID",
    ],
    ["gone that is no list", { observations: [], gone: "a" }, "LOOK_INVALID"],
    ["more than 10,000 observations", { observations: Array(10_001).fill(good) }, "LOOK_INVALID"],
    ["a cursor in a circle", { observations: [], cursor: circle() }, "CURSOR_INVALID"],
    ["a cursor that is a function", { observations: [], cursor: () => 1 }, "CURSOR_INVALID"],
    ["a cursor with a big number", { observations: [], cursor: 1n }, "CURSOR_INVALID"],
    [
      "a cursor above 1 MB",
      { observations: [], cursor: "x".repeat(1024 * 1024) },
      "CURSOR_TOO_LARGE",
    ],
    [
      "a cursor above 1 MB in bytes",
      { observations: [], cursor: "é".repeat(600_000) },
      "CURSOR_TOO_LARGE",
    ],
  ])("is none when it is %s", (_, result, code) => {
    expect(() => acceptLook(result)).toThrow(SkillError);
    expect(() => acceptLook(result)).toThrow(
      expect.objectContaining({ code, hint: expect.stringMatching(/\w/) }),
    );
  });

  it("may have a cursor of almost 1 MB, or null", () => {
    const cursor = "x".repeat(1024 * 1024 - 2);
    expect(acceptLook({ observations: [], cursor }).cursor).toBe(cursor);
    expect(acceptLook({ observations: [], cursor: null }).cursor).toBeNull();
  });
});

describe("one bad observation", () => {
  const trap = {
    ...good,
    get title(): string {
      throw new Error("no title today");
    },
  };
  it.each<[string, unknown, RegExp]>([
    ["null", null, /object/],
    ["without a key", { ...good, key: undefined }, /key/],
    ["with an empty key", { ...good, key: "" }, /key/],
    ["with a key of 501 characters", { ...good, key: "k".repeat(501) }, /key/],
    ["with an unknown severity", { ...good, severity: "fatal" }, /severity/],
    ["without a title", { ...good, title: "" }, /title/],
    ["with text that is none", { ...good, text: 5 }, /text/],
    ["with a trust of its own", { ...good, trust: "very" }, /trust/],
    ["with a date that is none", { ...good, closesAt: new Date("never") }, /closesAt/],
    ["with a date as text", { ...good, since: "2026-11-23" }, /since/],
    ["with a fingerprint too long", { ...good, fingerprint: "f".repeat(501) }, /fingerprint/],
    ["with data in a circle", { ...good, data: circle() }, /data: is not JSON/],
    ["with data that is a function", { ...good, data: () => 1 }, /data: is not JSON/],
    ["with a big number", { ...good, data: { size: 1n } }, /data: is not JSON/],
    ["with data above 64 KB", { ...good, data: "x".repeat(64 * 1024) }, /larger than 64 KB/],
    ["that throws when it is read", trap, /no title today/],
  ])("%s is set aside with a note, and the rest kept", (_, bad, note) => {
    const before = { ...good, key: "before" };
    const after = { ...good, key: "after" };
    const look = acceptLook({ observations: [before, bad, after], cursor: 7, complete: true });
    expect(look.observations.map(({ key }) => key)).toEqual(["before", "after"]);
    expect(look.notes).toEqual([expect.stringMatching(note)]);
    expect(look.notes[0]).toMatch(/^observation 2 was set aside: /);
    expect(look.cursor).toBe(7);
    // It may still be there: the look is not all there is.
    expect(look.complete).toBe(false);
  });

  it("is said even when the check has notes of its own, and many are counted", () => {
    const notes = Array.from({ length: 80 }, (_, index) => `note ${index} ${"x".repeat(900)}`);
    const look = acceptLook({ observations: [null, good], notes });
    expect(look.notes).toHaveLength(50);
    expect(look.notes[0]).toMatch(/^observation 1 was set aside/);
    expect(look.notes.at(-1)).toBe("and 32 more notes like these");
    expect(Math.max(...look.notes.map(({ length }) => length))).toBe(500);
  });
});

describe("text from outside", () => {
  it("is made plain and cut", () => {
    const [seen] = accept({
      ...good,
      title: `\u001b[2JSubject:\r\n ${"t".repeat(400)}`,
      text: `first\r\n\u202esecond\u0000 ${"x".repeat(30_000)}`,
    }).observations;
    expect(seen?.title).toMatch(/^\[2JSubject: t+…$/);
    expect(seen?.title).toHaveLength(300);
    expect(seen?.text).toMatch(/^first\nsecond x+…$/);
    expect(seen?.text).toHaveLength(20_000);
  });

  it("has a title even when nothing of it can be seen, and no text when nothing is left of it", () => {
    expect(accept({ ...good, title: "\u200b\u0007", text: " \u0000 " }).observations).toMatchObject(
      [{ title: "(no title)", text: null }],
    );
  });

  it("cannot hide a key or a fingerprint behind half a character, which no store gives back", () => {
    const look = acceptLook({
      observations: [{ ...good, key: "k\ud83d", fingerprint: "f\udc00" }],
      gone: ["g\ud83d"],
    });
    expect(look.observations).toMatchObject([{ key: "k\ufffd", fingerprint: "f\ufffd" }]);
    expect(look.gone).toEqual(["g\ufffd"]);
  });
});

it("keeps secrets out of what is kept, and data that looks like one", () => {
  const scrub = createScrub(["hunter22", "543210"]);
  const data = { port: 543210, url: "pg://me:hunter22@db:543210" };
  const seen = { ...good, title: "hunter22", text: "is hunter22", data };
  expect(acceptLook({ observations: [seen], notes: ["hunter22"] }, scrub)).toMatchObject({
    observations: [
      {
        title: "[secret]",
        text: "is [secret]",
        data: { port: 543210, url: "pg://me:[secret]@db:[secret]" },
      },
    ],
    notes: ["[secret]"],
  });
});

describe("the fingerprint", () => {
  it("is the same for the same thing, whatever the order of its data", () => {
    const data = { b: [1, { d: 1, c: 2 }], a: null };
    expect(fingerprint({ data })).toBe(fingerprint({ data: { a: null, b: [1, { c: 2, d: 1 }] } }));
    expect(fingerprint({})).toBe(fingerprint({ data: null, text: undefined }));
    expect(fingerprint({ text: "a\r\nb " })).toBe(fingerprint({ text: "a\nb" }));
  });

  it("does not depend on key, times or trust", () => {
    const changes = { key: "other", closesAt: new Date(5), since: new Date(6), trust: "trusted" };
    expect(fingerprint(changes)).toBe(fingerprint({}));
  });

  it("is another one for anything that is shown or kept", () => {
    const all = [
      {},
      { title: "Other" },
      { text: "Text" },
      { severity: "critical" },
      { data: {} },
      { data: [1, 2] },
      { data: [2, 1] },
    ].map(fingerprint);
    expect(new Set(all).size).toBe(all.length);
  });

  it("is known: a change of it would make everything changed after an upgrade", () => {
    expect(fingerprint({ text: "Text", data: { b: 1, a: 2 } })).toBe("6r2quIPhWKSu_uczZ4mX5a");
  });
});
