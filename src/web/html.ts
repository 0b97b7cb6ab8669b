/** Text as HTML: whatever is put into {@link html} is escaped, unless it is HTML already. */

const marker = Symbol("html");

export interface Html {
  readonly [marker]: true;
  readonly text: string;
}

type Part = string | number | Html | readonly Html[] | null;

/** `html\`<b>${title}</b>\`` */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = strings.reduce(
    (sum, string, index) => sum + written(parts[index - 1] ?? null) + string,
  );
  return { [marker]: true, text };
}

function written(part: Part): string {
  if (part === null) return "";
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return marker in part ? part.text : part.map(({ text }) => text).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

const escaped = (text: string): string =>
  text.replace(/[&<>"'`]/g, (character) => entities[character] ?? "");
