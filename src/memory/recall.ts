import type { Finding } from "../domain/finding.ts";
import { ordersSkill } from "../domain/standing-orders.ts";
import type { MemoryRecord, StoreReader } from "../store/port.ts";

/** The notes that may have to do with what a run is over. */

type Words = Pick<Finding, "skill" | "title" | "text">;

const mostWords = 40;
const mostWordsOfOne = 60;
const longestRead = 2_000;
const shortestWord = 3;
const longestWord = 40;
const mostNotes = 30;

/** Words that stand in every second note and tell nothing apart. */
const common = new Set(
  (
    "about after again all also and any are been but can com could did does done down each every for from get got had has have her " +
    "here him his how http https into its just like mail may more most much must new not now off one only our out over said says see " +
    "she should since some still such than that the their them then there these they this those today tomorrow too two until use very was " +
    "way were what when where whether which while who why will with without would www yes yet you your"
  ).split(" "),
);

/**
 * The words to look for: of each finding in turn the next one, so that none crowds out the others, titles first.
 * Bounded, whatever a stranger writes.
 */
export function significantWords(findings: readonly Words[]): string[] {
  const perFinding = findings.map(({ skill, title, text }) =>
    // What an order's text adds to its title is ours, and the same for all of them.
    wordsOf(skill === ordersSkill ? title : `${title} ${text ?? ""}`),
  );
  const words = new Set<string>();
  for (let index = 0; index < mostWordsOfOne; index += 1) {
    for (const own of perFinding) {
      const word = own[index];
      if (word !== undefined) words.add(word);
      if (words.size === mostWords) return [...words];
    }
  }
  return [...words];
}

function wordsOf(text: string): string[] {
  const found =
    text
      .slice(0, longestRead)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = found.filter(
    (word) => word.length >= shortestWord && word.length <= longestWord && !common.has(word),
  );
  return [...new Set(telling)].slice(0, mostWordsOfOne);
}

/**
 * Trusted notes first, the best match first. What a stranger may have written only where the run is untrusted
 * anyway: else it would make every run so that shares a word with it.
 */
export async function recallNotes(
  findings: readonly Words[],
  {
    store,
    now,
    isUntrusted,
  }: {
    readonly store: Pick<StoreReader, "recallMemories">;
    readonly now: number;
    readonly isUntrusted: boolean;
  },
): Promise<MemoryRecord[]> {
  const words = significantWords(findings);
  if (words.length === 0) return [];
  return store.recallMemories({ words, withUntrusted: isUntrusted, limit: mostNotes, now });
}
