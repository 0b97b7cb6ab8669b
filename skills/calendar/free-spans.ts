/** A stretch of time, in milliseconds since the epoch. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * What of `open` is not in `busy`, where that is long enough.
 * @param open in order, not overlapping
 */
export function freeSpans(open: readonly Span[], busy: readonly Span[], leastMs: number): Span[] {
  const taken = [...busy].sort((one, other) => one.start - other.start);
  return open.flatMap(({ start, end }) => {
    const free: Span[] = [];
    let at = start;
    for (const one of taken) {
      if (one.end <= at || one.start >= end) continue;
      if (one.start - at >= leastMs) free.push({ start: at, end: one.start });
      at = Math.max(at, one.end);
    }
    if (end - at >= leastMs) free.push({ start: at, end });
    return free;
  });
}
