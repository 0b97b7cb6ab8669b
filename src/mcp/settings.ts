import type { ToolEffect } from "../domain/policy.ts";

/** What the owner says of one tool: `false` hides it; else what it does to the world. */
export type ToolWord =
  false | { readonly effect: ToolEffect; readonly trust?: "trusted" | undefined };

const everyTool = { effect: "send" } as const;

/** A name that a stranger chose is looked up among the owner's own words only. */
export const wordOn = (words: Readonly<Record<string, ToolWord>>, remoteName: string): ToolWord =>
  (Object.hasOwn(words, remoteName) ? words[remoteName] : undefined) ?? everyTool;

interface Common {
  readonly name: string;
  /** How long connecting, listing and each call may take. */
  readonly timeoutMs: number;
  readonly tools: Readonly<Record<string, ToolWord>>;
}

/** One MCP server of the configuration: a process of ours, or an address. */
export type ServerSettings = Common &
  (
    | {
        readonly kind: "stdio";
        readonly command: readonly string[];
        readonly cwd: string;
        /** All that its process is given, beside PATH and HOME. */
        readonly env: Readonly<Record<string, string>>;
      }
    | {
        readonly kind: "http";
        readonly url: string;
        readonly headers: Readonly<Record<string, string>>;
      }
  );

type Configured = { readonly timeout: number; readonly tools: Common["tools"] } & (
  | { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
);

/** @param basics what every process needs: PATH and HOME */
export function serversOf(
  configured: Readonly<Record<string, Configured>>,
  { cwd, basics }: { cwd: string; basics: Readonly<Record<string, string>> },
): ServerSettings[] {
  return Object.entries(configured).map(([name, server]) => {
    const common = { name, timeoutMs: server.timeout, tools: server.tools };
    return "command" in server
      ? {
          ...common,
          kind: "stdio",
          command: server.command,
          cwd,
          env: { ...basics, ...server.env },
        }
      : { ...common, kind: "http", url: server.url, headers: server.headers };
  });
}
