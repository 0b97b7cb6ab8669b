/** Times in everything we print as JSON: ISO 8601 in UTC. */
export const isoTime = (at: number): string => new Date(at).toISOString();
export const isoTimeOrNull = (at: number | null): string | null =>
  at === null ? null : isoTime(at);
