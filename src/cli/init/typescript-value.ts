import { isSecret } from "../../config/secret.ts";

/** Plain data as TypeScript source, laid out as the project's formatter would. */

const lineLength = 100;

/**
 * @param value of strings, numbers, booleans, arrays, plain objects and secrets
 * @param indent how deep its first line stands, in spaces
 * @param before what stands before it in its first line, in characters
 */
export function typescriptValue(value: unknown, indent = 0, before = 0): string {
  if (typeof value !== "object" || value === null) return literal(value);
  if (isSecret(value)) return `secret(${literal(value.name)})`;
  const oneLine = onOneLine(value);
  // A comma follows.
  if (indent + before + oneLine.length < lineLength) return oneLine;
  const inner = " ".repeat(indent + 2);
  const lines = Array.isArray(value)
    ? value.map((item) => `${inner}${typescriptValue(item, indent + 2)},`)
    : entriesOf(value).map(([key, item]) => {
        const name = `${keyText(key)}: `;
        return `${inner}${name}${typescriptValue(item, indent + 2, name.length)},`;
      });
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return [open, ...lines, `${" ".repeat(indent)}${close}`].join("\n");
}

function onOneLine(value: unknown): string {
  if (typeof value !== "object" || value === null) return literal(value);
  if (isSecret(value)) return `secret(${literal(value.name)})`;
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  const entries = entriesOf(value).map(([key, item]) => `${keyText(key)}: ${onOneLine(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

const entriesOf = (node: object) => Object.entries(node).filter(([, item]) => item !== undefined);

const keyText = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : literal(key));

// What an editor would not show, or would show in another order than it is read in.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u00a0\u00ad\ufeff]/gu;

/** A string can end neither its quotes nor its line, whatever is in it. */
function literal(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.replaceAll(unseen, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16).padStart(4, "0");
      return `\\u${unit}`;
    }).join(""),
  );
}
