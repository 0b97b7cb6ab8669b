import { setImmediate as nextTurn } from "node:timers/promises";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import type { ScriptedModel } from "../../src/testing/scripted-model.ts";
import { silentLog, type Log } from "../../src/telemetry/log.ts";
import { anthropicModel } from "../../src/model/anthropic.ts";
import {
  createModelChain,
  type ChainEntry,
  type ChainOptions,
  type ModelChain,
} from "../../src/model/chain.ts";
import { faultsAt } from "./fault-cases.ts";
import type { ModelReply, ModelRequest, SpendLedger } from "../../src/model/port.ts";

/** A chain against scripted servers over real HTTP, on a clock that moves only when nothing else does. */

export const apiKey = "sk-test-0123456789";

export const request: ModelRequest = {
  system: [{ type: "text", text: "You keep watch." }],
  tools: [{ name: "inbox_send", description: "Sends.", input_schema: { type: "object" } }],
  messages: [{ role: "user", content: "What is new?" }],
  maxTokens: 1_000,
};

export interface ChainAtHand {
  readonly chain: ModelChain;
  readonly clock: FakeClock;
  /** The waits that the log told of, in milliseconds. */
  readonly waits: number[];
  /** One call to its end, with as much time passing as it waits for. */
  ask(options?: AskOptions): Promise<ModelReply>;
}

interface AskOptions {
  readonly request?: ModelRequest;
  readonly ledger?: SpendLedger;
  readonly signal?: AbortSignal;
}

export interface ServedEntry {
  readonly model: string;
  readonly server: ScriptedModel;
  readonly limits?: ChainEntry["limits"];
}

export function chainOf(
  entries: readonly ServedEntry[],
  options: Partial<ChainOptions> = {},
): ChainAtHand {
  const clock = new FakeClock(faultsAt);
  const waits: number[] = [];
  const note = (fields: object) => {
    if ("waitMs" in fields) waits.push(Number(fields.waitMs));
  };
  const log: Log = { ...silentLog, info: note, warn: note };
  const chain = createModelChain(
    entries.map(({ model, server, limits }) => ({
      model: anthropicModel({ model, apiKey, baseUrl: server.baseUrl, clock }),
      ...(limits ? { limits } : {}),
    })),
    { clock, random: () => 0.5, log, ...options },
  );
  const requestsSoFar = () => entries.reduce((sum, { server }) => sum + server.requests.length, 0);

  return {
    chain,
    clock,
    waits,
    async ask({ signal = new AbortController().signal, ledger, request: asked = request } = {}) {
      let isSettled = false;
      const reply = chain
        .complete(asked, { signal, ...(ledger ? { ledger } : {}) })
        .finally(() => (isSettled = true));
      while (!isSettled) {
        // In one process a written answer is read within a few turns: time is what is missing.
        const before = [requestsSoFar(), waits.length];
        for (let turn = 0; turn < 40 && !isSettled; turn += 1) await nextTurn();
        if (isSettled || before[0] !== requestsSoFar() || before[1] !== waits.length) continue;
        await clock.advance(Math.max(0, (clock.nextWakeAt ?? clock.now()) - clock.now()));
      }
      return await reply;
    },
  };
}
