import type { ToolServerState } from "../../domain/tool-server.ts";

/** Servers of tools, and what their tools say of themselves. */

/** How an MCP server stands. */
export interface ToolServerRecord {
  readonly name: string;
  readonly state: ToolServerState;
  readonly error: string | null;
  readonly changedAt: number;
}

/** What a tool of an MCP server says of itself, as it was read. */
export interface ToolDescription {
  /** As the agent calls it. */
  readonly name: string;
  readonly server: string;
  readonly hash: string;
  readonly definition: unknown;
}

export interface ToolPin extends ToolDescription {
  readonly seenAt: number;
  readonly acceptedAt: number;
  /** Not null while it says something else than was accepted. */
  readonly offeredHash: string | null;
  readonly offered: unknown;
  readonly offeredAt: number | null;
}
