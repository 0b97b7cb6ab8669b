import { rests } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { carryOutApproved, expireApprovals } from "../effects/approve.ts";
import type { EffectDependencies } from "../effects/perform.ts";
import { settleEffects } from "../effects/settle.ts";
import type { EffectRecord } from "../store/port.ts";
import { carryOutActions } from "./rule-actions.ts";

/**
 * What the owner has approved or ruled, carried out beside the beats: a tool may take its time. Approvals
 * and rules each go their own way, so that a rule whose tool hangs does not hold up the owner's word.
 */

export interface CarryingOut {
  /** Begins what waits and is not under way. @returns when to come again, or null */
  start(): Promise<number | null>;
  /** Before anything else is begun: what a killed process left without an outcome. */
  settle(): Promise<void>;
  busy(): boolean;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

interface Lane {
  readonly name: string;
  readonly waiting: () => Promise<readonly { readonly id: number }[]>;
  readonly carryOut: (dependencies: EffectDependencies) => Promise<unknown>;
  going: Promise<void> | null;
  restUntil: number;
}

/** When what waited waits still, as with a store that cannot be written. */
const restMs = 30_000;

/** @param wake called when something has ended, so that what came meanwhile is begun */
export function createCarryOut(dependencies: EffectDependencies, wake: () => void): CarryingOut {
  const { store, clock, log } = dependencies;
  const lane = (name: string, waiting: Lane["waiting"], carryOut: Lane["carryOut"]): Lane => ({
    ...{ name, waiting, carryOut },
    going: null,
    restUntil: 0,
  });
  const lanes = [
    lane("approvals", () => store.approvedCalls(), carryOutApproved),
    lane("rules", () => store.plannedActions(), carryOutActions),
  ];
  // Read once, before this process begins anything: what is under way here is no leftover.
  let left: readonly EffectRecord[] | null = null;
  let settling: Promise<void> | null = null;

  async function settleLeft(): Promise<void> {
    left ??= await store.unsettledEffects();
    if (left.length > 0) left = await settleEffects(dependencies, left);
  }

  function settle(): Promise<void> {
    settling ??= settleLeft().finally(() => {
      settling = null;
    });
    return settling;
  }

  async function go(each: Lane, tried: ReadonlySet<number>): Promise<void> {
    try {
      await settle();
      await each.carryOut(dependencies);
      const isDone = left?.length === 0 && !(await each.waiting()).some(({ id }) => tried.has(id));
      // A pause is no failure: it goes on when that is lifted.
      if (isDone || (await store.pausedAt(clock.now()))) return;
    } catch (error) {
      log.error({ error: describeError(error) }, `${each.name} could not be carried out`);
    }
    each.restUntil = clock.now() + restMs;
  }

  return {
    settle,
    async start() {
      await expireApprovals(dependencies);
      const pause = await store.pausedAt(clock.now());
      if (pause) return pause.until;
      const until: number[] = [];
      for (const each of lanes) {
        if (each.going) continue;
        const waiting = await each.waiting();
        if (left?.length === 0 && waiting.length === 0) continue;
        if (rests(each.restUntil, clock.now(), restMs)) {
          until.push(each.restUntil);
          continue;
        }
        each.going = go(each, new Set(waiting.map(({ id }) => id))).finally(() => {
          each.going = null;
          wake();
        });
      }
      return until.length > 0 ? Math.min(...until) : null;
    },
    busy: () => lanes.some(({ going }) => going !== null),
    async ended() {
      for (;;) {
        const going = lanes.flatMap((each) => each.going ?? []);
        if (going.length === 0) return;
        await Promise.all(going);
      }
    },
  };
}
