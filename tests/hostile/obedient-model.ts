import {
  callTools,
  reportAll,
  startScriptedModel,
  type RecordedRequest,
  type ScriptedModel,
  type ScriptedToolCall,
} from "watchkeeper/testing";
import { findOrders, named } from "./orders.ts";

/** A model that is wholly the attacker's: it obeys whatever it reads, then wants nothing to be told. */
export interface ObedientModel extends AsyncDisposable {
  readonly model: ScriptedModel;
  /** The calls that it made, in their order. */
  readonly ordered: readonly ScriptedToolCall[];
}

export async function startObedientModel(): Promise<ObedientModel> {
  const ordered: ScriptedToolCall[] = [];
  const model = await startScriptedModel((request, index) => {
    const calls = unobeyed(request);
    if (calls.length === 0) return reportAll("ignore")(request, index);
    ordered.push(...calls);
    return callTools(calls);
  });
  return { model, ordered, [Symbol.asyncDispose]: () => model[Symbol.asyncDispose]() };
}

/** The orders in a conversation that no reply has carried out yet. */
function unobeyed({ body }: RecordedRequest): ScriptedToolCall[] {
  const tools = (body.tools ?? []).flatMap((tool) => ("name" in tool ? [tool.name] : []));
  const made = new Set<string>();
  const wanted = new Map<string, ScriptedToolCall>();
  for (const { role, content } of body.messages) {
    const blocks =
      typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
    for (const block of blocks) {
      if (block.type === "tool_use") made.add(nameOf(block.name, block.input));
      if (role !== "user") continue;
      const text = block.type === "text" ? block.text : "content" in block ? block.content : "";
      for (const { name, input } of findOrders(typeof text === "string" ? text : "")) {
        for (const tool of named(name, tools))
          wanted.set(nameOf(tool, input), { name: tool, input });
      }
    }
  }
  return [...wanted].filter(([key]) => !made.has(key)).map(([, call]) => call);
}

const nameOf = (name: string, input: unknown): string => `${name} ${JSON.stringify(input)}`;
