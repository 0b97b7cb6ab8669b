import { describe, expect, test } from "vitest";
import {
  compact,
  cutTo,
  displayWidth,
  dollars,
  idRanges,
  painterFor,
  plural,
  quoted,
  shortTime,
  table,
  wrap,
} from "./text.ts";

describe("displayWidth", () => {
  test.each([
    ["plain", 5],
    ["", 0],
    ["山田", 4],
    ["한글", 4],
    ["ｆｕｌｌ", 8],
    ["🚨", 2],
    ["e\u0301", 1],
    ["a\u200bb", 2],
    ["\u001b[31mred\u001b[39m", 3],
    ["décembre ?", 10],
  ])("of %j is %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe("cutTo", () => {
  test.each([
    ["short", 10, "short"],
    ["exactly", 7, "exactly"],
    ["too long", 5, "too …"],
    ["山田花子", 5, "山田…"],
    ["🚨🚨🚨", 4, "🚨…"],
  ])("%j to %i columns", (text, width, cut) => {
    expect(cutTo(text, width)).toBe(cut);
    expect(displayWidth(cut)).toBeLessThanOrEqual(width);
  });
});

describe("wrap", () => {
  test("keeps what a line begins with and indents the others", () => {
    expect(wrap("  one two three four", 12, "    ")).toBe("  one two\n    three\n    four");
  });

  test("breaks a word that is longer than a line", () => {
    expect(wrap(`at ${"x".repeat(25)} end`, 12, "  ")).toBe(
      `at\n  ${"x".repeat(10)}\n  ${"x".repeat(10)}\n  xxxxx end`,
    );
  });

  test.each(["word ".repeat(50), "山".repeat(200), `${"y".repeat(81)} z`, "", "   ", "a  b"])(
    "no line of %j is too long, and no word is lost",
    (text) => {
      const wrapped = wrap(text, 40, "    ");
      expect(Math.max(...wrapped.split("\n").map(displayWidth))).toBeLessThanOrEqual(40);
      expect(wrapped.replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
    },
  );
});

describe("table", () => {
  const columns = [
    { title: "id", align: "right" },
    { title: "check", atMost: 8 },
    { title: "what", width: "fill" },
  ] as const;

  test("lines up, cuts the filling column to the line, and leaves no blanks at the end", () => {
    const rows = [
      ["1", "inbox/a", "short"],
      ["22", "inbox/very-long", "山田花子: しおり二百枚の発送予定"],
    ];
    expect(table(columns, rows, 30)).toBe(
      ["id  check     what", " 1  inbox/a   short", "22  inbox/v…  山田花子: しお…"].join("\n"),
    );
  });

  test("colours do not count", () => {
    const rows = [
      ["1", "\u001b[32mok\u001b[39m", "x"],
      ["2", "failing", "y"],
    ];
    const [, first, second] = table(columns, rows, 80).split("\n");
    expect(displayWidth(first ?? "")).toBe(displayWidth(second ?? ""));
  });

  test("without rows it is its titles", () => {
    expect(table(columns, [], 80)).toBe("id  check  what");
  });
});

describe("painterFor", () => {
  const terminal = { isTTY: true, columns: 80, isClosed: false, write() {} };
  test.each([
    ["a terminal", terminal, {}, true],
    ["a pipe", { ...terminal, isTTY: false }, {}, false],
    ["NO_COLOR", terminal, { NO_COLOR: "1" }, false],
    ["an empty NO_COLOR", terminal, { NO_COLOR: "" }, true],
    ["a dumb terminal", terminal, { TERM: "dumb" }, false],
  ])("on %s", (_, out, environment, coloured) => {
    expect(painterFor(out, environment)("red", "x").includes("\u001b")).toBe(coloured);
  });
});

test("quoted leaves nothing that a terminal would obey", () => {
  expect(quoted("\u001b[2J\u001b]0;title\u0007one\r\ntwo\u202e\tthree")).toBe("one two three");
});

describe("idRanges", () => {
  test.each([
    [[], ""],
    [[5], "#5"],
    [[5, 6], "#5, #6"],
    [[3, 1, 2, 7, 2], "#1 to #3, #7"],
  ])("of %j", (ids, text) => {
    expect(idRanges(ids)).toBe(text);
  });
});

test("numbers as a person reads them", () => {
  expect([dollars(0), dollars(0.0123), dollars(0.1), dollars(12.345)]).toEqual([
    "$0.00",
    "$0.0123",
    "$0.10",
    "$12.35",
  ]);
  expect([compact(999), compact(1_234), compact(1_234_567)]).toEqual(["999", "1.2k", "1.2m"]);
  expect([plural(1, "finding"), plural(0, "finding"), plural(12_000, "finding")]).toEqual([
    "1 finding",
    "0 findings",
    "12,000 findings",
  ]);
});

test("shortTime names the day only when it is another", () => {
  const now = Date.parse("2026-11-23T00:30:00Z");
  expect(shortTime(null, now, "UTC")).toBe("never");
  expect(shortTime(now - 60_000, now, "UTC")).toBe("00:29");
  expect(shortTime(now - 3_600_000, now, "UTC")).toBe("22 Nov 23:30");
  expect(shortTime(now - 365 * 86_400_000, now, "UTC")).toBe("23 Nov 2025");
  expect(shortTime(now - 3_600_000, now, "Asia/Kolkata")).toBe("05:00");
});
