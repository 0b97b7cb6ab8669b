import { z } from "zod";
import { ToolError } from "../domain/errors.ts";
import { plainText } from "../domain/plain-text.ts";
import type { Trust } from "../domain/finding.ts";
import { defineTool, type AnyTool } from "../skills/define.ts";
import { furtherFiles, readFurtherFile } from "../skills/further-files.ts";
import type { LoadedSkill } from "../skills/load.ts";

/**
 * Instructions on demand. Long ones do not stand in the prefix that every run pays for: there is the
 * skill's description, and the agent reads the rest when it needs it.
 */

type ReadableSkill = Pick<LoadedSkill, "name" | "dir" | "instructions">;

const longestInPrefix = 4_000;
const longestPiece = 16_000;

export const readsOnDemand = ({ instructions }: Pick<LoadedSkill, "instructions">): boolean =>
  instructions.length > longestInPrefix;

interface Piece {
  readonly text: string;
  /** Where the next piece begins; null at the end. */
  readonly nextOffset: number | null;
  readonly files?: readonly string[];
  readonly trust: Trust;
}

/** @returns undefined when all that the skills say stands in the prefix anyway */
export function skillRead(skills: readonly ReadableSkill[]): AnyTool | undefined {
  const worthIt = skills.some(
    (skill) => readsOnDemand(skill) || furtherFiles(skill.dir).length > 0,
  );
  if (!worthIt) return undefined;
  return defineTool({
    description:
      "Read a skill's instructions, or a text file beside them that they name. Gives the text in pieces, and without `file` also the names of the files.",
    effect: "read",
    // The owner's instructions; other files may be copies of what somebody else wrote.
    trust: ({ trust }: Piece) => trust,
    input: z.strictObject({
      skill: z.string().min(1).max(64),
      file: z.string().min(1).max(300).optional().describe("such as references/forms.md"),
      offset: z.int().min(0).default(0).describe("nextOffset of the piece before"),
    }),
    async run({ skill: name, file, offset }): Promise<Piece> {
      const skill = skills.find((one) => one.name === name);
      if (!skill) {
        throw new ToolError("SKILL_UNKNOWN", `there is no skill "${name}"`, {
          hint: `There are: ${skills.map((one) => one.name).join(", ")}`,
        });
      }
      const isMain = file === undefined || file === "SKILL.md";
      const whole = isMain ? skill.instructions : readFurtherFile(skill.dir, file);
      const full = offset + longestPiece;
      // Between characters: half of one would be lost.
      const end = /[\uD800-\uDBFF]/.test(whole[full - 1] ?? "") ? full - 1 : full;
      const text = plainText(whole.slice(offset, end), longestPiece);
      return {
        text,
        nextOffset: end < whole.length ? end : null,
        ...(isMain ? { files: furtherFiles(skill.dir) } : {}),
        trust: isMain || file.endsWith(".md") ? "trusted" : "untrusted",
      };
    },
  });
}
