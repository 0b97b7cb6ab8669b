import {
  formsOf,
  isShortWord,
  piecesOf,
  seenThrough,
  seesAny,
  viewsOf,
  type SecretForms,
} from "./secret-forms.ts";
import { writtenWordTokens } from "./word-token.ts";

/** Takes known secrets out of text that leaves the process: log, store, prompt, errors, notifications. */
export type Scrub = (text: string) => string;

export const scrubbed = "[secret]";
export const scrubbedToken = "[one-time token]";

/** Nothing of them is kept, so it is their looks that give them away, whoever's they are. */
const withoutTokens: Scrub = (text) => text.replace(writtenWordTokens, scrubbedToken);

/** Shorter ones are not looked for: they would take harmless text along. */
export const shortestSecret = 6;

/**
 * For whole lines of output, whose own words a weak secret must not tear apart; what stands in them has
 * been cleaned where it was put in.
 */
export const createLineScrub = (secrets: readonly string[]): Scrub =>
  createScrub(secrets.filter((secret) => !isShortWord(secret)));

/**
 * One-time tokens are taken out in any case.
 * @param secrets the values themselves; the forms in which they are found are those of `secret-forms.ts`
 */
export function createScrub(secrets: readonly string[]): Scrub {
  const pieces = secrets.filter(({ length }) => length >= shortestSecret).flatMap(piecesOf);
  // The longest first: a secret may contain another.
  const known = [...new Set(pieces)].toSorted((a, b) => b.length - a.length).map(formsOf);
  if (known.length === 0) return withoutTokens;
  const shortest = Math.min(...known.map(({ secret }) => secret.length));
  const mayHold = seesAny(known);
  const patterns = new Map<string, RegExp>();

  /** Made when it is needed: most secrets never turn up anywhere. */
  function patternFor(found: readonly SecretForms[]): RegExp {
    const source = found.map(({ pattern }) => pattern()).join("|");
    const known = patterns.get(source) ?? new RegExp(source, "gu");
    return (patterns.set(source, known), known);
  }

  return (given) => {
    const text = withoutTokens(given);
    if (text.length < shortest) return text;
    const views = viewsOf(text);
    if (!mayHold(views)) return text;
    const found = known.filter((forms) => seenThrough(views, forms));
    return found.length === 0 ? text : text.replace(patternFor(found), scrubbed);
  };
}
