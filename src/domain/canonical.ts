import { createHash } from "node:crypto";

/** One way to write a value as JSON, so that what was shown can be bound to what is done. */

/** JSON with sorted keys and no spaces. @throws TypeError for what is not plain data */
export function canonicalJson(value: unknown): string {
  if (value === undefined) return "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
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

/** What an approval is bound to: this very tool, in this version, with these very arguments. */
export function callHash(call: { tool: string; version: string; arguments: unknown }): string {
  return createHash("sha256").update(canonicalJson(call)).digest("hex");
}

// Whatever a person would not see, or would see in another place than it stands.
const unseen =
  // eslint-disable-next-line no-misleading-character-class -- single characters are meant, none combined
  /[^\P{C}\n]|[\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0\u{E0100}-\u{E01EF}\uFE00-\uFE0F]/gu;

/** JSON for a person to read, with every invisible character written out. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    unseen,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
