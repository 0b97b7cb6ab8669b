import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { parseStandingOrders } from "./standing-orders.ts";

const minute = 60_000;
const hour = 60 * minute;

const ordersOf = (text: string) =>
  parseStandingOrders(text).orders.map(({ slug, text: words, everyMs }) => [slug, words, everyMs]);

describe("an item that begins with an interval", () => {
  it.each([
    ["- every 2h: look at it", 2 * hour],
    ["* every 30m: look at it", 30 * minute],
    ["+ every 1d: look at it", 24 * hour],
    ["1. every 1.5h: look at it", 1.5 * hour],
    ["12) every 1m: look at it", minute],
    ["   -   Every 2h :   look at it", 2 * hour],
    ["\t- EVERY 2h:look at it", 2 * hour],
    ["- every 2h look at it", 2 * hour],
    ["- every 2h, look at it", 2 * hour],
    ["- every 2h – look at it", 2 * hour],
    ["- **every 2h**: look at it", 2 * hour],
    ["- **every 2h:** look at it", 2 * hour],
    ["- `every 2h`: look at it", 2 * hour],
    ["- [ ] every 2h: look at it", 2 * hour],
  ])("is an order: %s", (line, everyMs) => {
    const text = `# Orders\n\nProse.\n${line}\n\nMore prose.\n`;
    expect(parseStandingOrders(text)).toEqual({
      orders: [{ slug: "look-at-it", text: "look at it", everyMs }],
      problems: [],
    });
  });

  it("takes the indented lines below it along, and nothing else", () => {
    const text = [
      "- every 2h: look whether the backups",
      "  of tonight ran:",
      "  - the big one",
      "",
      "  and the small one",
      "- tell me at once of mail from Ann",
      "  - every 1d: count what she wrote",
      "every 1h: no item",
      "- every 3h: look at the shelf",
      "Not a part of it.",
      "  Nor this.",
    ].join("\r\n");
    expect(ordersOf(text).map(([, words, every]) => [words, every])).toEqual([
      ["look whether the backups\nof tonight ran:\n- the big one\n\nand the small one", 2 * hour],
      ["count what she wrote", 24 * hour],
      ["look at the shelf", 3 * hour],
    ]);
  });

  it("is none in a fence or a comment", () => {
    const text = [
      "```",
      "- every 2h: an example",
      "```",
      "~~~md",
      "- every 2h: another",
      "~~~",
      "<!-- - every 2h: off",
      "- every 3h: off too -->",
      "<!-- over --> ",
      "- every 2h: on",
    ].join("\n");
    expect(ordersOf(text)).toEqual([["on", "on", 2 * hour]]);
  });
});

describe("what is no order", () => {
  it.each([
    "- every invoice: file it",
    "- every mail from Ann: tell me",
    "- Everything is fine: so be it",
    "- every 2nd invoice goes to Ann",
    "- every day somebody writes; ignore it",
    "every 2h: not an item",
    "-every 2h: no space",
    "## every 2h: a heading",
    "- Newsletters never are. every 2h: no",
    "- [x] every 2h: ticked off",
  ])("is prose, without a word: %s", (line) => {
    expect(parseStandingOrders(line)).toEqual({ orders: [], problems: [] });
  });

  it.each([
    ["- every 2x: look", /^line 1: "every 2x: look" does not begin with an interval; write/],
    ["- every 2 hours: look", /does not begin with an interval/],
    ["- every 2 hours look", /does not begin with an interval/],
    ["- every 5 min look", /does not begin with an interval/],
    ["- every morning: look", /does not begin with an interval/],
    ["- every Monday at 9:00: look", /does not begin with an interval/],
    ["- every 2nd day: look", /does not begin with an interval/],
    ["- every 0m: look", /must be between/],
    ["- every 99999d: look", /must be between/],
    ["- every 30s: look", /too often; a standing order is due every 1m or less often/],
    ["- every 2h:", /says nothing to look for/],
    ["\n\n- every 2h:\n\nProse", /^line 3: .* says nothing/],
  ])("is said when it was meant to be one: %s", (line, problem) => {
    expect(parseStandingOrders(line)).toEqual({
      orders: [],
      problems: [expect.stringMatching(problem)],
    });
  });

  it("is said of the same order twice, of too many, and of a file that is cut", () => {
    expect(parseStandingOrders("- every 2h: look\n- every 1h:  look ")).toEqual({
      orders: [{ slug: "look", text: "look", everyMs: 2 * hour }],
      problems: ["line 2: the order of line 1 once more; that one counts"],
    });
    const many = Array.from({ length: 3_000 }, (_, index) => `- every 1h: look at ${index}`);
    expect(parseStandingOrders(many.join("\n"))).toMatchObject({
      orders: { length: 50 },
      problems: ["line 51: only the first 50 timed orders are looked at"],
    });
    const wrong = parseStandingOrders(Array(3_000).fill("- every 2x: look").join("\n"));
    expect(wrong.problems).toHaveLength(11);
    expect(wrong.problems.at(-1)).toBe("and 2990 more like these");
    // The last item may be half of one.
    expect(parseStandingOrders("- every 2h: look\n- every 1h: li", { isCut: true })).toEqual({
      orders: [{ slug: "look", text: "look", everyMs: 2 * hour }],
      problems: ["it is longer than 8 KB; what comes after that is not read"],
    });
    expect(parseStandingOrders("- every 2h: look\0")).toEqual({
      orders: [],
      problems: ["it is not a text file"],
    });
  });
});

describe("its name", () => {
  it.each([
    ["Look whether the backups ran!", /^look-whether-the-backups-ran$/],
    ["Prüfe, ob jemand wartet", /^prufe-ob-jemand-wartet$/],
    ["見て", /^order-[0-9a-f]{6}$/],
    ["Größe?", /^gro-e-[0-9a-f]{6}$/],
    ["!?", /^order-[0-9a-f]{6}$/],
    ["x".repeat(300), /^x{48}-[0-9a-f]{6}$/],
    [
      "look whether anything in the inbox waits for an answer of mine",
      /^look-whether-anything-in-the-inbox-waits-for-an-[0-9a-f]{6}$/,
    ],
  ])("is made of its words: %s", (text, slug) => {
    expect(parseStandingOrders(`- every 2h: ${text}`).orders).toMatchObject([
      { slug: expect.stringMatching(slug) },
    ]);
  });

  it("tells apart what differs in signs only", () => {
    const slugs = ordersOf("- every 2h: look!\n- every 2h: look?").map(([slug]) => slug);
    expect(slugs).toEqual(["look", expect.stringMatching(/^look-[0-9a-f]{6}$/)]);
  });

  const items = fc.uniqueArray(fc.stringMatching(/^[a-z見 ,.]{1,60}$/), {
    minLength: 1,
    maxLength: 12,
    selector: (text) => text.replace(/[^a-z見]+/g, " ").trim(),
  });

  it("stays when others come, go or change their interval, and is nobody else's", () => {
    fc.assert(
      fc.property(items, fc.nat(), (texts, index) => {
        const named = (lines: readonly string[], every: string) =>
          new Map(
            parseStandingOrders(
              lines.map((text) => `- every ${every}: ${text}`).join("\n"),
            ).orders.map(({ slug, text }) => [text, slug]),
          );
        const all = named(texts, "2h");
        expect(new Set(all.values()).size).toBe(all.size);
        const less = named(texts.toSpliced(index % texts.length, 1).toReversed(), "1h");
        for (const [text, slug] of less) expect(all.get(text)).toBe(slug);
      }),
    );
  });
});

it("never throws, whatever the file holds, and its orders are usable", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc
      .tuple(
        fc.constantFrom("", " ", "  ", "\t", "    "),
        fc.constantFrom("- ", "* ", "1. ", "- [ ] ", ""),
        fc.constantFrom("every ", "**every ", "EVERY\t", "every"),
        fc.constantFrom("2h", "2x", "30s", "1m", "0d", "2 hours", "Monday", "99999999999d", "2h**"),
        fc.constantFrom(":", ": ", " ", ",", ""),
        fc.string({ unit: "grapheme", maxLength: 40 }),
      )
      .map((parts) => parts.join("")),
  );
  const file = fc.array(line, { maxLength: 30 }).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(file, fc.boolean(), (text, isCut) => {
      const { orders, problems } = parseStandingOrders(text, { isCut });
      const slugs = orders.map(({ slug }) => slug);
      expect(new Set(slugs).size).toBe(slugs.length);
      for (const { slug, text: words, everyMs } of orders) {
        expect(slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
        expect(slug.length).toBeLessThanOrEqual(55);
        expect(words.trim()).not.toBe("");
        expect(everyMs).toBeGreaterThanOrEqual(minute);
      }
      for (const problem of problems) expect(problem).not.toMatch(/[\n\0]/);
    }),
    { numRuns: 1_000 },
  );
});

it("reads 8 KB of anything in a moment", async () => {
  const size = 8 * 1024;
  const spent = await processorMs(() => {
    for (const piece of [
      "- every ",
      "every 1",
      "* ",
      "- every 2h: ",
      "`",
      "    ",
      "9",
      "- [ ] **",
    ]) {
      parseStandingOrders(piece.repeat(size / piece.length));
      parseStandingOrders(`- every ${piece.repeat(size / piece.length)}`);
      parseStandingOrders(`${piece}\n`.repeat(size / piece.length));
    }
  });
  expect(spent).toBeLessThan(1_000);
});
