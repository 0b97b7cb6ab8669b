import type { Trust } from "./finding.ts";

/** Which of the agent's notes say the same, and what is kept of them. */

export interface Note {
  readonly id: number;
  readonly runId: number | null;
  readonly text: string;
  readonly trust: Trust;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

export interface MergedNotes {
  /** As it is from now on; its id and text are those of one of the notes. */
  readonly kept: Note;
  /** Ids of those that it stands for, without its own. */
  readonly dropped: readonly number[];
}

/**
 * Notes whose words are the same become one, as untrusted as the least trusted of them. So does one whose
 * sentences all stand in a longer one, when both have the same label: what a stranger may have written never
 * takes the place of a trusted note, and what is trusted loses nothing to it. The text that says most is kept,
 * with the time and run of the earliest and the longest time to live.
 * @returns only what changes something
 */
export function mergeNotes(notes: readonly Note[]): MergedNotes[] {
  const inOrder = notes.toSorted((a, b) => a.id - b.id);
  const same = [...Map.groupBy(inOrder, ({ text }) => sentencesOf(text).join(". ")).values()];
  const groups = same.map((group) => ({ kept: group.reduce(joined), members: group }));
  const absorbed = absorb(groups);
  return [...Map.groupBy(groups, (group) => rootOf(group, absorbed))].flatMap(
    ([{ kept: fullest }, parts]) => {
      const members = parts.flatMap((part) => part.members);
      if (members.length === 1) return [];
      const { id, text } = fullest;
      const kept = { ...members.reduce(joined), id, text };
      return [{ kept, dropped: members.map((note) => note.id).filter((each) => each !== id) }];
    },
  );
}

interface Group {
  readonly kept: Note;
  readonly members: readonly Note[];
}

/** Each group whose sentences all stand in another one of the same label, with that one. */
function absorb(groups: readonly Group[]): Map<Group, Group> {
  const sentences = new Map(
    groups.map((group) => [group, new Set(sentencesOf(group.kept.text))] as const),
  );
  const holding = new Map<string, Group[]>();
  for (const [group, said] of sentences) {
    for (const sentence of said) holding.set(sentence, [...(holding.get(sentence) ?? []), group]);
  }
  const absorbed = new Map<Group, Group>();
  for (const [group, said] of sentences) {
    const [first] = said;
    const candidates = first === undefined ? [] : (holding.get(first) ?? []);
    const larger = candidates.find((other) => {
      const others = sentences.get(other);
      return (
        other.kept.trust === group.kept.trust &&
        others !== undefined &&
        (others.size > said.size || (others.size === said.size && other.kept.id < group.kept.id)) &&
        said.isSubsetOf(others)
      );
    });
    if (larger) absorbed.set(group, larger);
  }
  return absorbed;
}

/** Sizes only grow on the way, and ids only fall where they do not: it ends. */
function rootOf(group: Group, absorbed: ReadonlyMap<Group, Group>): Group {
  let root = group;
  for (let next = absorbed.get(root); next; next = absorbed.get(root)) root = next;
  return root;
}

/** The first one stays the first, whatever the order. */
function joined(a: Note, b: Note): Note {
  const earlier = b.createdAt < a.createdAt || (b.createdAt === a.createdAt && b.id < a.id);
  const [first, other] = earlier ? [b, a] : [a, b];
  return {
    ...first,
    trust: other.trust === "untrusted" ? "untrusted" : first.trust,
    expiresAt:
      first.expiresAt === null || other.expiresAt === null
        ? null
        : Math.max(first.expiresAt, other.expiresAt),
  };
}

/** Capitals, spaces and the signs around a sentence do not make it another; those within (`a_b`, `-5`) do. */
function sentencesOf(text: string): string[] {
  const sentences = text
    .normalize("NFC")
    .toLowerCase()
    .split(/[.!?;]+(?=\s|$)|\n+/)
    .map((sentence) => sentence.replace(/\s+/g, " ").replace(/^[ "'(,]+|[ "'),:.!?;]+$/g, ""))
    .filter(Boolean);
  return sentences.length > 0 ? sentences : [text.trim()];
}
