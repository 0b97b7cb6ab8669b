/** Limits of those who carry messages: what is too long is cut between characters, and says so. */

const note = "\n… (cut; `watchkeeper findings` has the rest)";
const ellipsis = "…";

/**
 * @param fits true of every shorter beginning as well
 * @returns the text, or its longest beginning that fits, with a note on what is missing
 */
export const fitText = (text: string, fits: (text: string) => boolean): string =>
  cutTo(text, fits, note);

/** The same for a single line. */
export const fitLine = (text: string, fits: (text: string) => boolean): string =>
  cutTo(text, fits, ellipsis);

function cutTo(text: string, fits: (text: string) => boolean, mark: string): string {
  if (fits(text)) return text;
  let fitting = 0;
  let tooLong = text.length;
  while (tooLong - fitting > 1) {
    const middle = Math.floor((fitting + tooLong) / 2);
    if (fits(`${text.slice(0, middle)}${mark}`)) fitting = middle;
    else tooLong = middle;
  }
  return `${text.slice(0, startOfCharacter(text, fitting)).trimEnd()}${mark}`;
}

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
/** No character that people write is longer; what goes on for ever is cut anywhere. */
const longestCharacter = 64;

/** Where the character begins that `index` lies in. */
function startOfCharacter(text: string, index: number): number {
  const start = characters.segment(text).containing(index)?.index ?? index;
  if (index - start <= longestCharacter) return start;
  return /[\uD800-\uDBFF]/.test(text.charAt(index - 1)) ? index - 1 : index;
}

export const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");
