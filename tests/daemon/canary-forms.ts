/**
 * Secrets that are planted, every form that they are planted in, and a search that knows nothing of how
 * the product looks for them.
 */

const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");
const hexOf = (text: string): string => bytesOf(text).toString("hex");
const percentOf = (text: string): string => hexOf(text).replaceAll(/../g, "%$&");
const sentence = (canary: string, before: number): string =>
  bytesOf(
    `${"The words before ".slice(0, 15 + before)}${canary}; and some more after it.`,
  ).toString("base64");
const folded = (text: string): string => text.replaceAll(/.{76}/g, "$&\r\n");

export const forms: readonly ((canary: string) => string)[] = [
  (canary) => canary,
  (canary) => JSON.stringify({ canary }),
  encodeURIComponent,
  percentOf,
  (canary) => percentOf(canary).toUpperCase(),
  hexOf,
  (canary) => hexOf(canary).toUpperCase(),
  (canary) => bytesOf(canary).toString("base64"),
  (canary) => bytesOf(canary).toString("base64url"),
  (canary) => sentence(canary, 0),
  (canary) => sentence(canary, 1),
  (canary) => sentence(canary, 2),
  // Placed so that the break falls into the canary.
  ...[40, 41, 42].map(
    (before) => (canary: string) =>
      folded(bytesOf(`${".".repeat(before)}${canary} and more`).toString("base64")),
  ),
];

/** All forms in one text, each on a line of its own. */
export const inAllForms = (canary: string): string =>
  forms.map((write, index) => `Form ${index}: ${write(canary)} end.`).join("\n");

/** The canaries that can be read out of these bytes, however they are written. */
export function leaksIn(bytes: Buffer | string, canaries: readonly string[]): string[] {
  const text = typeof bytes === "string" ? bytes : bytes.toString("latin1");
  const bare = text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  const plain = [
    text,
    bare.replaceAll(/\\+/g, ""),
    bare.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    ),
    bare
      .replaceAll("&amp;", "&")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"'),
  ];
  const joined = text.replaceAll(/\s|\\+[rn]/g, "");
  const base64 = joined.replaceAll(/%2b|-/gi, "+").replaceAll(/%2f|_/gi, "/");
  const lower = joined.toLowerCase();
  return canaries.filter((canary) => {
    // A few bits of the outermost characters say nothing.
    const core = canary.slice(2, -2);
    return (
      plain.some((view) => view.includes(core)) ||
      lower.includes(hexOf(core)) ||
      [0, 1, 2].some((before) => base64.includes(middle(core, before)))
    );
  });
}

/** What is the same in base64 whatever stands before and after. */
function middle(text: string, before: number): string {
  const encoded = bytesOf(`${"x".repeat(before)}${text}`)
    .toString("base64")
    .replace(/=+$/, "");
  return encoded.slice(before === 0 ? 0 : 4, -4);
}
