/**
 * A zone whose clocks show noon or the hour after it. Whoever lives there sees no midnight, no digest at its usual
 * time and no nightly care while a test runs, whenever that is.
 */
export function middayZone(now: number): string {
  const ahead = 12 - new Date(now).getUTCHours();
  // Their names count the other way round: `Etc/GMT-2` is two hours ahead of UTC.
  return `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
}
