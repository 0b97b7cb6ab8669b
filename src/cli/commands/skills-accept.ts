import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { visibleJson } from "../../domain/canonical.ts";
import { requestWake } from "../../control.ts";
import type { ToolPin } from "../../store/index.ts";
import { nearestOf } from "../../config/issues.ts";
import { toolsCheck } from "../../domain/tool-server.ts";
import { exit, readExistingStore, writeStore, type CommandContext } from "../context.ts";
import { painterFor, plural, wrapLines } from "../text.ts";

/** The owner's word on tools of an MCP server that say something else of themselves than before. */
export async function acceptSkillTools(
  context: CommandContext,
  name: string,
  options: { show?: true },
): Promise<number> {
  const changed = await changedTools(context, name);
  if (!options.show && changed.length > 0) {
    await using store = await writeStore(context);
    const at = Date.now();
    await store.acceptTools(name, at);
    for (const { name: key } of changed)
      await store.resolveOwnFinding({ check: toolsCheck, key, at });
    await requestWake(context.stateDir);
  }
  const view = changed.map(({ name: tool, server, definition, offered }) => ({
    ...{ tool, server, accepted: !options.show, before: definition, now: offered },
  }));
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(render(changed, options.show ?? false, context));
  return exit.done;
}

/** @throws ConfigError when there is neither a server nor a tool of that name */
async function changedTools(context: CommandContext, name: string): Promise<ToolPin[]> {
  await using store = readExistingStore(context);
  const pins = await store.listToolPins();
  const named = pins.filter((pin) => pin.name === name || pin.server === name);
  if (named.length > 0) return named.filter(({ offeredHash }) => offeredHash !== null);
  const known = [...new Set(pins.flatMap((pin) => [pin.server, pin.name]))];
  const nearest = nearestOf(name, known);
  if (pins.length === 0) {
    throw new WatchkeeperError("MCP_NO_TOOLS", "no tool of an MCP server was ever seen", {
      hint: "Name servers under `mcp` in the config, and start the daemon",
    });
  }
  throw new ConfigError("MCP_UNKNOWN", `there is no MCP server or tool "${name}"`, {
    hint: nearest ? `Did you mean "${nearest}"?` : "`watchkeeper skills` lists them",
  });
}

function render(
  changed: readonly ToolPin[],
  onlyShown: boolean,
  { out, environment }: CommandContext,
): string {
  if (changed.length === 0) return "Nothing has changed: there is nothing to accept.\n";
  const paint = painterFor(out, environment);
  const block = (value: unknown) => wrapLines(visibleJson(value), out.columns, "      ");
  const lines = changed.flatMap(({ name, definition, offered }) => [
    paint("bold", name),
    "  was:",
    block(definition),
    "  is now, in words of its server:",
    block(offered),
    "",
  ]);
  const count = plural(changed.length, "tool");
  lines.push(onlyShown ? `${count} withheld until you accept.` : `${count} accepted.`);
  return `${lines.join("\n")}\n`;
}
