import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommandContext } from "./context.ts";

/** A command to type next, meaning the same files, ready to be pasted. */
export const nextCall = (context: CommandContext, words: string): string =>
  `${callOf(context)} ${words}${givenOptions(context)}`;

/** A checkout's command is on nobody's path: npx finds it there. */
const callOf = ({ packageInfo }: CommandContext): string =>
  existsSync(join(packageInfo.root, "src")) ? "npx watchkeeper" : "watchkeeper";

function givenOptions({ given }: CommandContext): string {
  const option = (name: string, value: string | undefined) =>
    value === undefined ? "" : ` ${name} ${shellWord(value)}`;
  return option("--config", given.config) + option("--state", given.state);
}

const shellWord = (text: string): string =>
  /^[\w./~:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
