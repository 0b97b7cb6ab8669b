import { createHash } from "node:crypto";
import type { z } from "zod";
import { canonicalJson } from "../domain/canonical.ts";
import { plainText } from "../domain/plain-text.ts";
import type { ToolDescription } from "../store/port.ts";
import { wordOn, type ServerSettings } from "./settings.ts";
import { readToolSchema } from "./tool-schema.ts";

/** What a server says of its tools, read: names made ours, texts plain and capped, schemas our own. */

export interface ListedTool extends ToolDescription {
  /** As the server calls it. */
  readonly remoteName: string;
  readonly description: string;
  readonly input: z.ZodType<Record<string, unknown>>;
}

export interface ReadList {
  /** By name. */
  readonly tools: readonly ListedTool[];
  /** Tools that were left out, and why. */
  readonly notes: readonly string[];
}

const mostTools = 64;
const longestDescription = 1_000;
const largestTool = 32 * 1024;
const longestName = 64;

/**
 * @param listed unchecked, as it came
 * @param taken names of tools that are not this server's
 */
export function readTools(
  { name: server, tools: words }: Pick<ServerSettings, "name" | "tools">,
  listed: readonly unknown[],
  taken: ReadonlySet<string>,
): ReadList {
  const tools = new Map<string, ListedTool>();
  const notes: string[] = [];
  for (const [index, value] of listed.slice(0, mostTools).entries()) {
    const read = readTool(server, value, index);
    if ("note" in read) notes.push(read.note);
    else if (wordOn(words, read.remoteName) === false) continue;
    else if (taken.has(read.name)) notes.push(`${read.name} has the name of another tool`);
    else if (tools.has(read.name)) notes.push(`${read.name} is there twice; the first one counts`);
    else tools.set(read.name, read);
  }
  if (listed.length > mostTools) notes.push(`only the first ${mostTools} tools are taken`);
  const sorted = [...tools.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { tools: sorted, notes };
}

function readTool(server: string, value: unknown, index: number): ListedTool | { note: string } {
  const { name: remoteName, description, inputSchema } = (value ?? {}) as Record<string, unknown>;
  const at = `tool ${index + 1}`;
  if (typeof remoteName !== "string" || !remoteName || remoteName.length > 200) {
    return { note: `${at} has no name that can be used` };
  }
  const said = { name: remoteName, description: description ?? null, inputSchema };
  let definition: string;
  try {
    definition = canonicalJson(said);
  } catch {
    return { note: `${at} is not data` };
  }
  const name = toolNameOf(server, remoteName);
  if (definition.length > largestTool) return { note: `${name} says more than 32 KB of itself` };
  const input = readToolSchema(inputSchema);
  if (!input) return { note: `${name} has an input schema that cannot be used` };
  const shown = typeof description === "string" ? plainText(description, longestDescription) : "";
  return {
    name,
    server,
    remoteName,
    description: shown || `The tool ${name.slice(0, 100)}; its server says nothing of it.`,
    input,
    hash: createHash("sha256").update(definition).digest("hex"),
    definition: JSON.parse(definition) as unknown,
  };
}

/** What the provider takes as a name; two that become the same are one too many. */
const toolNameOf = (server: string, remoteName: string): string =>
  `${server.replaceAll("-", "_")}_${remoteName.replaceAll(/[^A-Za-z0-9_-]+/g, "_")}`.slice(
    0,
    longestName,
  );
