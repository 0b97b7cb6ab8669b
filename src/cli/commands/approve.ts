import { setTimeout } from "node:timers/promises";
import type { ResolvedConfig } from "../../config/load.ts";
import { requestWake } from "../../control.ts";
import { callHash } from "../../domain/canonical.ts";
import { ConfigError } from "../../domain/errors.ts";
import type { ToolEffect } from "../../domain/policy.ts";
import { createScrub } from "../../domain/scrub.ts";
import { scrubData } from "../../domain/scrub-data.ts";
import { findApproval, findPending, giveWord } from "../../effects/owner-word.ts";
import { isLocked, type ApprovalRecord, type EffectRecord, type Store } from "../../store/index.ts";
import { approvalWithOutcome, hasEnded, outcomeWords } from "../../views/approval.ts";
import { exit, loadConfigFor, parseId, writeStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { wrap } from "../text.ts";
import { fitArguments, openTools, parseArguments } from "../tools.ts";
import { isTaken, openWatchHere } from "../watch-here.ts";
import { renderOutcome } from "./approvals.ts";

/** How long a running daemon may take to carry it out before this command stops waiting. */
const patienceMs = 90_000;
const lookAgainMs = 150;

/** Writes the owner's word; it is then carried out once, by the daemon or here, and its outcome said. */
export async function approve(
  context: CommandContext,
  id: string,
  options: { edit?: string },
): Promise<number> {
  const wanted = parseId(id);
  const given =
    options.edit === undefined ? undefined : { arguments: parseArguments(options.edit) };
  const { stateDir } = context;
  await using store = await writeStore(context);
  const approval = await findPending(store, wanted, Date.now());
  const edited = given && (await editedCall(approval, given.arguments, context));
  // A config that cannot be used is said before the word is given, not after it.
  const alone = !isLocked(stateDir) && (await store.pausedAt(Date.now())) === null;
  const config = alone ? await loadConfigFor(context) : undefined;
  const word = { decision: "approved", note: null, at: Date.now() } as const;
  await giveWord(store, wanted, { ...word, ...(edited && { edited }) });
  await requestWake(stateDir);
  const waitedFor = await untilCarriedOut(wanted, store, context, config);
  return showOutcome(
    context,
    await findApproval(store, wanted),
    waitedFor,
    await ownersZone(store),
  );
}

/** The owner's own arguments, bound to the same tool as it was shown. */
async function editedCall(
  { tool: name, toolVersion }: ApprovalRecord,
  given: unknown,
  context: CommandContext,
): Promise<{ arguments: unknown; argumentsHash: string; effect: ToolEffect }> {
  await using tools = await openTools(context);
  const { input, effect } = fitArguments(tools.get(name), given);
  if (scrubData(input, createScrub(tools.config.secrets)) !== input) {
    throw new ConfigError("ARGUMENTS_HOLD_SECRET", "the arguments hold one of your secrets", {
      hint: "Leave it out: they would be kept in the database",
    });
  }
  const call = { tool: name, version: toolVersion, arguments: input };
  return { arguments: input, argumentsHash: callHash(call), effect };
}

type WaitedFor = "its end" | "a pause" | "too long";

async function untilCarriedOut(
  id: number,
  store: Store,
  context: CommandContext,
  loaded: ResolvedConfig | undefined,
): Promise<WaitedFor> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const { effect } = await findApproval(store, id);
    if (hasEnded(effect)) return "its end";
    if (!effect && (await store.pausedAt(Date.now()))) return "a pause";
    if (!isLocked(context.stateDir)) {
      try {
        await carryOutHere(context, loaded ?? (await loadConfigFor(context)));
        return "its end";
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
    }
    if (Date.now() > giveUpAt) return "too long";
    await setTimeout(lookAgainMs);
  }
}

async function carryOutHere(context: CommandContext, config: ResolvedConfig): Promise<void> {
  await using watch = await openWatchHere(context, config);
  await watch.attendance.carryOutApproved();
}

function showOutcome(
  { out, json }: CommandContext,
  { approval, effect }: { approval: ApprovalRecord; effect: EffectRecord | undefined },
  waitedFor: WaitedFor,
  zone: string,
): number {
  const well = effect?.state === "done" && effect.error === null;
  const words = hasEnded(effect) ? outcomeWords(effect) : waitingWords(approval.id, waitedFor);
  if (json) out.write(`${JSON.stringify(approvalWithOutcome(approval, effect), null, 2)}\n`);
  else {
    const line = wrap(`approval ${approval.id}: ${approval.tool} ${words}`, out.columns, "  ");
    out.write(`${[line, ...renderOutcome(effect, out.columns, zone)].join("\n")}\n`);
  }
  return well || (!effect && waitedFor === "a pause") ? exit.done : exit.failed;
}

function waitingWords(id: number, waitedFor: WaitedFor): string {
  if (waitedFor === "a pause") {
    return "is approved. Watchkeeper is paused: it is carried out after `watchkeeper resume`";
  }
  return `is approved and not done yet; \`watchkeeper approvals show ${id}\` shows how it ends`;
}
