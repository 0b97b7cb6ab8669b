import type { Instance } from "./expand.ts";

type Placed = Pick<Instance, "place" | "position">;

/** Within that distance one walks over. */
const nearKm = 1;

/**
 * Whether two events are at places between which one has to travel. Only what is certain counts: two
 * positions on the earth, or two postal addresses that have no part with a number in common. A room,
 * a link or a bare name says nothing of how far it is.
 */
export function areApart(one: Placed, other: Placed): boolean {
  if (one.position && other.position) return distanceKm(one.position, other.position) > nearKm;
  const [first, second] = [addressParts(one.place), addressParts(other.place)];
  if (first.length === 0 || second.length === 0) return false;
  return !first.some((part) => second.includes(part));
}

/** The parts of an address that hold a number: street and house, postcode and town. */
function addressParts(place: string): string[] {
  if (/^\s*[a-z][a-z\d+.-]*:\/\//i.test(place)) return [];
  const parts = place.split(/[,;]/).map((part) => part.trim().toLowerCase().replace(/\s+/g, " "));
  if (parts.length < 2) return [];
  return parts.filter((part) => /\d/.test(part) && /\p{L}{3}/u.test(part) && !isRoom.test(part));
}

const isRoom = /^(?:room|raum|floor|etage|stock|building|gebäude|zoom|teams|meet)\b/i;

const earthKm = 6_371;

function distanceKm(
  [lat1, lon1]: readonly [number, number],
  [lat2, lon2]: readonly [number, number],
): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half =
    Math.sin(radians(lat2 - lat1) / 2) ** 2 +
    Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * Math.sin(radians(lon2 - lon1) / 2) ** 2;
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(half)));
}
