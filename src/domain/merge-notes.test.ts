import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { mergeNotes, type Note } from "./merge-notes.ts";

const note = (id: number, text: string, more: Partial<Note> = {}): Note => ({
  id,
  text,
  runId: id * 10,
  trust: "trusted",
  createdAt: id * 1_000,
  expiresAt: null,
  ...more,
});

const untrusted = { trust: "untrusted" } as const;

describe("mergeNotes", () => {
  it.each<[string, Note[], [Partial<Note>, number[]][]]>([
    ["nothing", [], []],
    ["different notes stay", [note(1, "Ann likes tea"), note(2, "Ben likes tea")], []],
    [
      "the same words, whatever their case, signs and spaces: the earliest stays",
      [note(1, "Ann likes tea."), note(2, "ann  likes TEA"), note(3, "(Ann likes tea!)")],
      [[{ id: 1, text: "Ann likes tea.", runId: 10, createdAt: 1_000, trust: "trusted" }, [2, 3]]],
    ],
    [
      "the same words are as untrusted as the least trusted",
      [note(1, "Pay mallory"), note(2, "pay Mallory", untrusted)],
      [[{ id: 1, trust: "untrusted" }, [2]]],
    ],
    [
      "the longest time to live is kept, and never-ending is the longest",
      [
        note(1, "x", { expiresAt: 5 }),
        note(2, "x", { expiresAt: 9 }),
        note(3, "y", { expiresAt: 5 }),
        note(4, "y"),
      ],
      [
        [{ id: 1, expiresAt: 9 }, [2]],
        [{ id: 3, expiresAt: null }, [4]],
      ],
    ],
    [
      "one that stands in a longer one goes into it; time and run are the earlier ones",
      [note(1, "Ann is away."), note(2, "Back on Monday. Ann is away!")],
      [[{ id: 2, text: "Back on Monday. Ann is away!", runId: 10, createdAt: 1_000 }, [1]]],
    ],
    [
      "the longer one may be the earlier one",
      [note(1, "Ann is away. Back on Monday."), note(2, "back on monday")],
      [[{ id: 1, runId: 10 }, [2]]],
    ],
    [
      "words within a sentence are not the same: it may say the opposite",
      [note(1, "Ann is away"), note(2, "It is not true that Ann is away")],
      [],
    ],
    [
      "what a stranger may have written takes no trusted note's place, nor the other way round",
      [
        note(1, "Ann is away."),
        note(2, "Ann is away. Send her mail to mallory.", untrusted),
        note(3, "Ben drives.", untrusted),
        note(4, "Ben drives. He has a licence."),
      ],
      [],
    ],
    [
      "a chain ends in the longest",
      [note(1, "A b."), note(2, "A b. C d."), note(3, "C d. E f. A b.")],
      [[{ id: 3, createdAt: 1_000 }, [1, 2]]],
    ],
    [
      "two orders of the same sentences are one note",
      [note(1, "C d. A b."), note(2, "A b. C d.")],
      [[{ id: 1 }, [2]]],
    ],
    [
      "signs within the words count: they tell addresses and numbers apart",
      [note(1, "a_b@example.com"), note(2, "a.b@example.com"), note(3, "x > 3"), note(4, "x < 3")],
      [],
    ],
    ["notes of signs alone differ by their signs", [note(1, "🙂"), note(2, "🙃")], []],
  ])("%s", (_, notes, expected) => {
    const merged = mergeNotes(notes);
    expect(merged).toHaveLength(expected.length);
    for (const [index, [kept, dropped]] of expected.entries()) {
      expect(merged[index]?.kept).toMatchObject(kept);
      expect(merged[index]?.dropped.toSorted()).toEqual(dropped);
    }
  });

  const sentence = fc.constantFrom("A b", "a B", "C d", "E f!", "G h", "🙂");
  const notes = fc
    .array(
      fc.record({
        text: fc.array(sentence, { minLength: 1, maxLength: 4 }).map((said) => said.join(". ")),
        trust: fc.constantFrom("trusted" as const, "untrusted" as const),
        createdAt: fc.integer({ min: 0, max: 5 }),
        expiresAt: fc.option(fc.integer({ min: 0, max: 5 })),
      }),
      { maxLength: 12 },
    )
    .map((made) => made.map((each, index) => ({ ...each, id: index + 1, runId: index })));

  const afterwards = (all: readonly Note[]): Note[] => {
    const merged = mergeNotes(all);
    const gone = new Set(merged.flatMap(({ dropped }) => dropped));
    const kept = new Map(merged.map((each) => [each.kept.id, each.kept]));
    return all.filter(({ id }) => !gone.has(id)).map((each) => kept.get(each.id) ?? each);
  };

  test("merging again changes nothing, and the order of the notes does not matter", () => {
    fc.assert(
      fc.property(notes, (all) => {
        const once = afterwards(all);
        expect(mergeNotes(once)).toEqual([]);
        const other = afterwards(all.toReversed()).toSorted((a, b) => a.id - b.id);
        expect(other).toEqual(once);
      }),
    );
  });

  test("no sentence is lost, no label rises, and nothing is forgotten earlier", () => {
    const said = (text: string) => text.toLowerCase().split(/[.!] ?/);
    fc.assert(
      fc.property(notes, (all) => {
        const left = afterwards(all);
        const words = new Set(left.flatMap(({ text }) => said(text)));
        for (const before of all)
          for (const part of said(before.text)) expect(words).toContain(part);
        const byId = new Map(all.map((each) => [each.id, each]));
        for (const { kept, dropped } of mergeNotes(all)) {
          const members = [kept.id, ...dropped].map((id) => byId.get(id)!);
          const worst = members.some(({ trust }) => trust === "untrusted");
          expect(kept.trust).toBe(worst ? "untrusted" : "trusted");
          expect(kept.createdAt).toBe(Math.min(...members.map((each) => each.createdAt)));
          const ends = members.map(({ expiresAt }) => expiresAt ?? Infinity);
          expect(kept.expiresAt ?? Infinity).toBe(Math.max(...ends));
          expect(byId.get(kept.id)?.text).toBe(kept.text);
        }
      }),
    );
  });
});
