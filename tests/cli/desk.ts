import { aLongTime, type Place } from "./place.ts";

/**
 * A skill whose checks look at files of the place: `papers.json` holds the observations of
 * `desk/papers`; `desk/lamp` fails as long as there is no file `light`.
 */
const code = `
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineSkill, defineTool, z } from "watchkeeper";
export default defineSkill({
  checks: ({ baseDir }) => ({
    papers: {
      every: "${aLongTime}",
      async observe() {
        const observations = JSON.parse(readFileSync(join(baseDir, "papers.json"), "utf8"));
        return { observations, complete: true, cursor: observations.length };
      },
    },
    lamp: {
      every: "${aLongTime}",
      async observe() {
        readFileSync(join(baseDir, "light"));
        return { observations: [], complete: true };
      },
    },
  }),
  tools: () => ({
    count: defineTool({
      description: "Counts the papers.",
      effect: "read",
      input: z.object({}),
      async run() {
        return { papers: 2 };
      },
    }),
  }),
});
`;

export interface Paper {
  readonly key: string;
  readonly severity: "info" | "notice" | "warning" | "critical";
  readonly title: string;
  readonly text?: string;
}

export const putPapers = async (place: Place, papers: readonly Paper[]): Promise<void> =>
  place.write("papers.json", JSON.stringify(papers));

export const papers: readonly Paper[] = [
  { key: "bill", severity: "warning", title: "A bill is due", text: "Pay 12 EUR to the printer." },
  { key: "letter", severity: "notice", title: "A letter came" },
];

/** Puts the desk, with two papers and its lamp on, into a place. */
export async function furnish(place: Place, more = ""): Promise<void> {
  await place.skill("desk", code);
  await place.config(`{ skills: { "./skills/desk": {} }, ${more} }`);
  await place.write("light", "");
  await putPapers(place, papers);
}
