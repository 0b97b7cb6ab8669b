import type { ResolvedConfig } from "../config/load.ts";
import { createScrub } from "../domain/scrub.ts";
import { wordOn } from "../mcp/settings.ts";
import type { ToolPin, ToolServerRecord } from "../store/index.ts";

/** MCP servers among the skills: where their tools are from, and how they stand. */
export function mcpEntries(
  { mcp, secrets }: Pick<ResolvedConfig, "mcp" | "secrets">,
  {
    running,
    servers,
    pins,
  }: {
    readonly running: boolean;
    readonly servers: readonly ToolServerRecord[];
    readonly pins: readonly ToolPin[];
  },
) {
  const scrub = createScrub(secrets);
  return Object.entries(mcp).map(([name, settings]) => {
    const record = servers.find((server) => server.name === name);
    const isReady = running && record?.state === "ready";
    const waiting = running ? "it is being connected to" : "the daemon is not running";
    const own = pins
      .filter(({ server }) => server === name)
      .map((pin) => ({ pin, word: wordOn(settings.tools, remoteNameOf(pin)) }));
    const withheld = own.filter(({ pin }) => pin.offeredHash !== null);
    return {
      name,
      // Without its arguments, path and user: they may be secrets.
      origin: scrub(
        "command" in settings
          ? `MCP, ${settings.command[0] ?? ""}`
          : `MCP, ${new URL(settings.url).origin}`,
      ),
      version: null,
      description: "",
      status: isReady ? ("ok" as const) : ("off" as const),
      error: isReady ? null : ((running ? record?.error : null) ?? waiting),
      notes: [
        ...(isReady && record.error ? [record.error] : []),
        ...withheld.map(
          ({ pin }) =>
            `${pin.name} is withheld: it has changed; see \`watchkeeper skills accept ${name} --show\``,
        ),
      ],
      checks: [],
      tools: own.flatMap(({ pin, word }) =>
        word === false ? [] : { name: pin.name, effect: word.effect },
      ),
    };
  });
}

const remoteNameOf = ({ definition }: ToolPin): string => {
  const { name } = (definition ?? {}) as { name?: unknown };
  return typeof name === "string" ? name : "";
};
