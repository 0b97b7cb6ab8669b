import type { Scrub } from "../domain/scrub.ts";
import { scrubData } from "../domain/scrub-data.ts";
import type { ContentBlock, ModelRequest, ToolUseBlock } from "../model/port.ts";
import { reportName } from "./report.ts";

/** The border between a run and its model: no known secret goes to the provider, none comes back. */

const ours = new Set(["type", "role", "id", "tool_use_id", "name", "signature", "cache_control"]);
const isOurs = (name: string): boolean => ours.has(name);

/** What the provider is sent. The same words give the same bytes, so that they can be cached. */
export const requestWithoutSecrets = <Request extends Pick<ModelRequest, "system" | "tools">>(
  request: Request,
  scrub: Scrub,
): Request => scrubData(request, scrub, isOurs);

/** In the place of arguments that held a secret; no tool takes it for its input. */
const withheldMark = "[withheld]";
const withheldReason =
  "Not done: its arguments hold a secret of the owner's, and those are for nobody but their server.";

/**
 * What the model has said, for the journal and the rest of the conversation. A tool call is not mended
 * but emptied, and refused by {@link whyWithheld}: what is done must be what was asked, letter for letter.
 */
export function replyWithoutSecrets(
  content: readonly ContentBlock[],
  scrub: Scrub,
): ContentBlock[] {
  return content.flatMap((block): ContentBlock[] => {
    if (block.type === "tool_use") return [callWithoutSecrets(block, scrub)];
    const clean = scrubData(block, scrub, isOurs);
    // What is signed or encrypted is whole or nothing.
    return clean === block || block.type === "text" ? [clean] : [];
  });
}

function callWithoutSecrets(call: ToolUseBlock, scrub: Scrub): ToolUseBlock {
  const name = scrub(call.name).replaceAll(/[^A-Za-z0-9_-]/g, "_");
  const input = scrubData(call.input, scrub);
  if (name === call.name && input === call.input) return call;
  // A report is words for the owner, and the findings it is about need their verdicts.
  if (call.name === reportName) return { ...call, input };
  return { ...call, name, input: { [withheldMark]: withheldReason } };
}

/** Why a call is refused whose arguments were taken away, in this process or one before it. */
export const whyWithheld = (input: unknown): string | undefined =>
  typeof input === "object" && input !== null && withheldMark in input ? withheldReason : undefined;
