/** Lists that end: so many entries of one check, so many in all, and what is not shown is counted and said. */

export interface Entry {
  /** The check it comes from. */
  readonly check: string;
  readonly lines: readonly string[];
  /** Entries of one rank that share it stand together, and it is said once. */
  readonly remark: string | null;
  readonly rank: number;
}

/** What is left of a message's room. */
export interface Room {
  entries: number;
  characters: number;
}

export interface Listing {
  /** One text per entry or group of entries with the same remark. */
  readonly blocks: readonly string[];
  /** How many are not shown. */
  readonly hidden: number;
}

/**
 * @param ranked the one that matters most first
 * @param remarked puts a remark below the `count` entries that it is about
 * @param room is taken from
 */
export function listed(
  ranked: readonly Entry[],
  { perCheck, room }: { readonly perCheck: number; readonly room: Room },
  remarked: (remark: string, count: number) => string,
): Listing {
  const perCheckShown = new Map<string, number>();
  const left = new Map<string, number>();
  const shown: Entry[] = [];
  for (const entry of ranked) {
    const size = entry.lines.join("\n").length + (entry.remark?.length ?? 0) + 40;
    const ofCheck = perCheckShown.get(entry.check) ?? 0;
    if (ofCheck >= perCheck || room.entries < 1 || room.characters < size) {
      left.set(entry.check, (left.get(entry.check) ?? 0) + 1);
      continue;
    }
    room.entries -= 1;
    room.characters -= size;
    perCheckShown.set(entry.check, ofCheck + 1);
    shown.push(entry);
  }
  const blocks = together(shown).map((group) => {
    const remark = group[0]?.remark;
    return [
      ...group.flatMap(({ lines }) => lines),
      ...(remark ? [remarked(remark, group.length)] : []),
    ].join("\n");
  });
  const mores = [...left]
    .slice(0, mostMores)
    .map(([check, count]) => `and ${count} more of ${check}`);
  const others = [...left].slice(mostMores).reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) mores.push(`and ${others} more of other checks`);
  return {
    blocks: [...blocks, ...mores],
    hidden: [...left.values()].reduce((sum, count) => sum + count, 0),
  };
}

const mostMores = 20;

/** In the order of the first of each; an entry without a remark stands alone. */
const together = (entries: readonly Entry[]): Entry[][] => [
  ...Map.groupBy(entries, (entry) =>
    entry.remark === null ? entry : `${entry.rank} ${entry.remark}`,
  ).values(),
];
