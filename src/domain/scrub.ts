/** Takes known secrets out of text that leaves the process: log, store, prompt, errors, notifications. */
export type Scrub = (text: string) => string;

export const scrubbed = "[secret]";

/** Shorter ones would take harmless text along, and are no secrets anyway. */
const shortestSecret = 4;

/**
 * @param secrets the values themselves; their base64, base64url and percent-encoded forms are found too
 */
export function createScrub(secrets: readonly string[]): Scrub {
  const forms = [
    ...new Set(secrets.filter(({ length }) => length >= shortestSecret).flatMap(formsOf)),
  ];
  if (forms.length === 0) return (text) => text;
  // The longest first: a secret may contain another.
  const escaped = forms.toSorted((a, b) => b.length - a.length).map((form) => RegExp.escape(form));
  const pattern = new RegExp(escaped.join("|"), "g");
  return (text) => text.replace(pattern, scrubbed);
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    json,
    encodeURIComponent(secret),
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
  ].filter(({ length }) => length >= shortestSecret);
}
