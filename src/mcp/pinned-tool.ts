import { ToolError } from "../domain/errors.ts";
import { defineTool } from "../skills/define.ts";
import { loadTool, silentSkillLog, type LoadedTool } from "../skills/load.ts";
import type { ToolPin } from "../store/port.ts";
import { readTools } from "./listed-tools.ts";
import type { ToolWord } from "./settings.ts";
import { wordOn } from "./settings.ts";

/** A tool as it was accepted, for commands that look at it without its server. It cannot be called. */
export function pinnedTool(
  { server, definition }: ToolPin,
  words: Readonly<Record<string, ToolWord>>,
): LoadedTool | undefined {
  const [listed] = readTools({ name: server, tools: words }, [definition], new Set()).tools;
  const word = listed && wordOn(words, listed.remoteName);
  if (!listed || !word) return undefined;
  const tool = defineTool({
    description: listed.description,
    effect: word.effect,
    input: listed.input,
    ...(word.trust ? { trust: word.trust } : {}),
    run: () =>
      Promise.reject(
        new ToolError("MCP_TOOL_AWAY", `${listed.name} is not there at present; nothing was done`),
      ),
  });
  const part = listed.name.slice(server.length + 1);
  return { ...loadTool({ skill: server, part, tool, log: silentSkillLog() }), name: listed.name };
}
