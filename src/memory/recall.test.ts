import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { recallNotes, significantWords } from "./recall.ts";

const finding = (title: string, text: string | null = null) => ({ skill: "inbox", title, text });

describe("the words that are looked for", () => {
  it("are those of titles and texts that tell something apart", () => {
    expect(
      significantWords([
        finding("New mail from Ann: the lease of the harbour shed", "Is it OK with you? Ann"),
      ]),
    ).toEqual(["ann", "lease", "harbour", "shed"]);
    expect(significantWords([finding("", null), finding("It is so", "!!!")])).toEqual([]);
    const order = finding("Look at the shelf", "Due now: a standing order, every 2h.");
    expect(significantWords([{ ...order, skill: "standing-orders" }])).toEqual(["look", "shelf"]);
  });

  it("are taken from each finding in turn, so that a long one does not crowd out the others", () => {
    const long = Array.from({ length: 500 }, (_, index) => `filler${index}`).join(" ");
    const words = significantWords([
      finding(long, long),
      finding("Lease of the shed"),
      finding(long),
    ]);
    expect(words).toHaveLength(40);
    expect(words).toContain("lease");
    expect(words).toContain("shed");
  });

  it("are few and plain, whatever a stranger writes", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom('" OR "', "NEAR(a b)", "text:*", "a".repeat(10_000), "見".repeat(3_000)),
      fc.nat(200).map((count) => "word'); drop table memories; -- ".repeat(count)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, hostile), { maxLength: 8 }), (texts) => {
        const words = significantWords(texts.map(([title, text]) => finding(title, text)));
        expect(words.length).toBeLessThanOrEqual(40);
        expect(new Set(words).size).toBe(words.length);
        for (const word of words) {
          expect(word).toMatch(/^[\p{L}\p{N}]+$/u);
          expect(word.length).toBeGreaterThanOrEqual(3);
          expect(word.length).toBeLessThanOrEqual(40);
        }
      }),
    );
  });
});

describe("what is recalled", () => {
  it("takes a moment with many notes and sixty hostile findings", async () => {
    const { store } = await openTemporaryStore();
    const texts = Array.from({ length: 300 }, (_, index) =>
      Array.from({ length: 30 }, (__, at) => `word${(index * 7 + at * 13) % 300}`).join(" "),
    );
    for (const text of texts) {
      const note = {
        runId: null,
        text,
        trust: "untrusted",
        createdAt: 0,
        expiresAt: null,
      } as const;
      await store.addMemory({ ...note, noteKey: text });
    }
    const findings = texts.slice(0, 60).map((text) => finding(text, text.repeat(100)));
    const recall = () => recallNotes(findings, { store, now: 0, isUntrusted: true });
    expect(await processorMs(recall)).toBeLessThan(1_000);
    const recalled = await recall();
    expect(recalled).toHaveLength(30);
    expect(await recall()).toEqual(recalled);
    expect(await recallNotes(findings, { store, now: 0, isUntrusted: false })).toEqual([]);
  });
});
