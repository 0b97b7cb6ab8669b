import { createHash } from "node:crypto";

/** One way to write a value as JSON, so that what was shown can be bound to what is done. */

/**
 * JSON with sorted keys and no spaces, of the same data that `JSON.stringify` would write.
 * @throws TypeError for what JSON does not hold, such as a Map
 */
export function canonicalJson(value: unknown): string {
  if (value === undefined) return "null";
  if (hasOwnJson(value)) return canonicalJson(value.toJSON());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    if (!isPlain(value)) throw new TypeError("the value is not plain data");
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
    return `{${entries.join(",")}}`;
  }
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new TypeError("the value is not plain data");
  return json;
}

/** Such as a date. */
const hasOwnJson = (value: unknown): value is { toJSON(): unknown } =>
  typeof value === "object" &&
  value !== null &&
  "toJSON" in value &&
  typeof value.toJSON === "function";

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** What an approval is bound to: this very tool, in this version, with these very arguments. */
export function callHash(call: { tool: string; version: string; arguments: unknown }): string {
  return createHash("sha256").update(canonicalJson(call)).digest("hex");
}

// Whatever a person would not see, or would see in another place than it stands.
const unseen =
  // eslint-disable-next-line no-misleading-character-class -- single characters are meant, none combined
  /[^\P{C}\n]|[\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0\u{E0100}-\u{E01EF}\uFE00-\uFE0F\u17B4\u17B5\u180B-\u180F]/gu;

/** JSON for a person to read, with every invisible character written out. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    unseen,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
