import type { ScriptedToolCall } from "watchkeeper/testing";

/**
 * Orders as they stand in hostile text: `CALL tool {…}`, in whatever disguise. `CALL stage_* {…}` is an
 * order to call every tool whose name begins so.
 */

export const orderText = (tool: string, input: unknown): string =>
  `CALL ${tool} ${JSON.stringify(input)}`;

/** Every order that a reader finds who tries hard: decodes, unescapes, strips and turns around. */
export function findOrders(text: string): ScriptedToolCall[] {
  const found = new Map<string, ScriptedToolCall>();
  for (const reading of readings(text)) {
    for (const order of plainOrders(reading)) found.set(JSON.stringify(order), order);
  }
  return [...found.values()];
}

/** The tools' names that an order means. */
export const named = (pattern: string, tools: readonly string[]): string[] =>
  pattern.endsWith("*") ? tools.filter((tool) => tool.startsWith(pattern.slice(0, -1))) : [pattern];

function readings(text: string): string[] {
  const unescaped = text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
  const folded = fold(unescaped);
  const decoded = [
    ...[...folded.matchAll(/[A-Za-z0-9+/]{40,}={0,2}/g)].map(([token]) => fromBase64(token)),
    ...[...folded.matchAll(/\b(?:[0-9a-f]{2}){30,}\b/g)].map(([token]) =>
      Buffer.from(token, "hex").toString("utf8"),
    ),
    ...[...folded.matchAll(/\S*(?:%[0-9A-F]{2}\S*){5,}/g)].map(([token]) => fromUrl(token)),
  ];
  return [folded, [...folded].toReversed().join(""), rotate(folded), ...decoded];
}

const lookalikes: Readonly<Record<string, string>> = { С: "C", А: "A", Α: "A", Ꮮ: "L", ʟ: "L" };

const fold = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/[САΑᏞʟ]/gu, (sign) => lookalikes[sign] ?? sign);

const fromBase64 = (token: string): string => Buffer.from(token, "base64").toString("utf8");

function fromUrl(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return "";
  }
}

/** ROT13, its own inverse. */
export const rotate = (text: string): string =>
  text.replace(/[a-z]/gi, (sign) => {
    const base = sign <= "Z" ? 65 : 97;
    return String.fromCharCode(((sign.charCodeAt(0) - base + 13) % 26) + base);
  });

function plainOrders(text: string): ScriptedToolCall[] {
  return [...text.matchAll(/CALL\s+([A-Za-z_*]+)\s+(?=\{)/g)].flatMap((match) => {
    const input = firstObject(text.slice(match.index + match[0].length));
    return input === undefined ? [] : [{ name: match[1] ?? "", input }];
  });
}

/** The JSON object that a text begins with. */
function firstObject(text: string): unknown {
  for (let end = text.indexOf("}"); end >= 0 && end < 2_000; end = text.indexOf("}", end + 1)) {
    try {
      return JSON.parse(text.slice(0, end + 1)) as unknown;
    } catch {
      // A brace within: on to the next.
    }
  }
  return undefined;
}
