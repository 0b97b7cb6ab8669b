import type { MessageParam, ToolResultBlockParam, ToolUseBlock } from "../model/port.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { RunRecord, StepRecord, Store } from "../store/port.ts";
import { callKey, effectResult } from "./tool-call.ts";
import { rebuildConversation } from "./transcript.ts";

/** Where the conversation of a killed process goes on. */
export interface Resumption {
  readonly messages: readonly MessageParam[];
  /** Results of calls of the last reply that need not be made again. */
  readonly results: readonly ToolResultBlockParam[];
  readonly nextIndex: number;
  readonly readUntrusted: boolean;
}

export type ResumptionOrProblem =
  ({ readonly ok: true } & Resumption) | { readonly ok: false; readonly problem: string };

/** From the journal of a run to where it goes on, after the effects that it left open were settled. */
export async function resumptionOf(
  run: RunRecord & { readonly steps: readonly StepRecord[] },
  { store, tools }: { store: Store; tools: ReadonlyMap<string, LoadedTool> },
): Promise<ResumptionOrProblem> {
  const rebuilt = rebuildConversation(run.steps);
  if (!rebuilt.ok) return rebuilt;
  const begun = await effectsBegun(run, rebuilt.open, { store, tools });
  const readUntrusted =
    run.readUntrusted ||
    run.steps.some(({ trust }) => trust === "untrusted") ||
    begun.some(({ trust }) => trust === "untrusted");
  return {
    ok: true,
    messages: rebuilt.messages,
    results: [...rebuilt.results, ...begun.map(({ result }) => result)],
    nextIndex: rebuilt.nextIndex,
    readUntrusted,
  };
}

/** A call whose effect was begun is not made again: its outcome, settled by now, is its result. */
async function effectsBegun(
  { id: runId, steps }: Pick<RunRecord, "id"> & { readonly steps: readonly StepRecord[] },
  open: readonly ToolUseBlock[],
  { store, tools }: { store: Store; tools: ReadonlyMap<string, LoadedTool> },
) {
  const results = open.map(async ({ id, name }) => {
    // One step for each process that came to it: a first one may have been killed before it did anything.
    for (const { index } of steps.filter(({ callId }) => callId === id)) {
      const effect = await store.getEffectByKey(callKey(runId, index, id));
      if (effect) return effectResult(id, effect, tools.get(name));
    }
    return [];
  });
  return (await Promise.all(results)).flat();
}
