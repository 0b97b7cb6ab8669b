import { type AnyTool, defineTool, ToolError, type ToolRunContext, z } from "watchkeeper";
import {
  changing,
  factsOf,
  findHolder,
  type ToolAccounts,
  undoContext,
  unknownMessage,
} from "./accounts.ts";
import { identifyMessage } from "./identity.ts";
import type { Mark, MarkResult, MoveResult } from "./mail-store.ts";
import { accountName, messageId } from "./read-tool.ts";
import { labelPattern, labelWords } from "./rules-config.ts";

/** The tools that change a message where the owner can see it, each with its undo. */

interface Target {
  /** The key of the message that was found, whatever the id was that it was found by. */
  readonly id: string;
  readonly account: string;
}
type LabelResult = Target & MarkResult & { readonly label: string; readonly removed: boolean };
type SeenResult = Target & MarkResult;
type ArchiveResult = Target & MoveResult & { readonly changed: boolean };

/** Mail programs and servers act on these by hiding the mail. */
const isTelling = (label: string) =>
  !/^(?:non|not)?-?(?:junk|spam|phishing)$|^deleted$/i.test(label);

export function labelTool(accounts: ToolAccounts): AnyTool {
  return defineTool({
    description: "Put a label on one mail, or remove it.",
    effect: "write",
    harmless: true,
    timeout: "60s",
    input: z.strictObject({
      id: messageId(),
      label: z
        .string()
        .max(40)
        .refine((label) => labelPattern.test(label), labelWords)
        .refine(isTelling, "would make mail programs hide the mail"),
      remove: z.boolean().optional(),
      account: accountName(),
    }),
    subject: (input, context) => factsOf(accounts, input, context),
    async run({ id, label, remove = false, account }, context): Promise<LabelResult> {
      const result = await mark(accounts, { id, account }, labelOf(label), !remove, context);
      return { ...result, label, removed: remove };
    },
    async undo({ changed, label, removed, ...target }: LabelResult) {
      if (changed) await markBack(accounts, target, labelOf(label), removed);
    },
    async reconcile({ id, label, remove = false, account }, context) {
      const result = await wasMarked(accounts, { id, account }, labelOf(label), !remove, context);
      if (result === undefined || result === "not-done") return result;
      return { result: { ...result, label, removed: remove } };
    },
  });
}

export function markReadTool(accounts: ToolAccounts): AnyTool {
  const seen: Mark = { kind: "seen" };
  return defineTool({
    description: "Mark one mail as read.",
    effect: "write",
    timeout: "60s",
    input: z.strictObject({ id: messageId(), account: accountName() }),
    subject: (input, context) => factsOf(accounts, input, context),
    run: (input, context): Promise<SeenResult> => mark(accounts, input, seen, true, context),
    async undo({ changed, ...target }: SeenResult) {
      if (changed) await markBack(accounts, target, seen, false);
    },
    async reconcile(input, context) {
      const result = await wasMarked(accounts, input, seen, true, context);
      return result === undefined || result === "not-done" ? result : { result };
    },
  });
}

export function archiveTool(accounts: ToolAccounts): AnyTool {
  return defineTool({
    description: "Move one mail into the archive folder.",
    effect: "write",
    timeout: "60s",
    input: z.strictObject({ id: messageId(), account: accountName() }),
    subject: (input, context) => factsOf(accounts, input, context),
    async run(input, context): Promise<ArchiveResult> {
      const { store, target } = await holderOf(accounts, input, context);
      const move = await changing(context, (begin) => store.archive(target.id, begin));
      if (move === undefined) throw unknownMessage();
      return { ...target, ...move, changed: move.from !== move.to };
    },
    async undo({ changed, id, account, from, to }: ArchiveResult) {
      if (!changed) return;
      const { store } = accountOf(accounts, account);
      const back = await changing(undoContext(), (begin) =>
        store.moveBack(id, { from, to }, begin),
      );
      if (!back) throw movedOn(`it is no longer in ${to}`);
    },
    async reconcile(input, context) {
      const { account, found, target } = await holderOf(accounts, input, context);
      if (account.folders.includes(found.folder)) return "not-done";
      const from = account.folders[0] ?? "INBOX";
      return { result: { ...target, from, to: found.folder, changed: true } };
    },
  });
}

const labelOf = (label: string): Mark => ({ kind: "label", label });

async function holderOf(
  accounts: ToolAccounts,
  input: { id: string; account?: string | undefined },
  context: ToolRunContext,
) {
  const holder = await findHolder(accounts, input, context);
  const { key } = identifyMessage(holder.found.stored.source, holder.found.stored.size);
  return { ...holder, target: { id: key, account: holder.account.name } };
}

async function mark(
  accounts: ToolAccounts,
  input: { id: string; account?: string | undefined },
  wanted: Mark,
  on: boolean,
  context: ToolRunContext,
): Promise<Target & MarkResult> {
  const { store, target } = await holderOf(accounts, input, context);
  const result = await changing(context, (begin) => store.mark(target.id, wanted, on, begin));
  if (result === undefined) throw unknownMessage();
  return { ...target, ...result };
}

async function markBack(
  accounts: ToolAccounts,
  { id, account }: Target,
  wanted: Mark,
  on: boolean,
): Promise<void> {
  const { store } = accountOf(accounts, account);
  const result = await changing(undoContext(), (begin) => store.mark(id, wanted, on, begin));
  if (result === undefined) throw movedOn("it is no longer there");
}

/** That the mark is as it was to be is taken for ours: so the owner can take it back. */
async function wasMarked(
  accounts: ToolAccounts,
  input: { id: string; account?: string | undefined },
  wanted: Mark,
  on: boolean,
  context: ToolRunContext,
): Promise<(Target & MarkResult) | "not-done" | undefined> {
  const { store, target } = await holderOf(accounts, input, context);
  const state = await store.isMarked(target.id, wanted, context);
  if (state === undefined) return undefined;
  return state.marked === on ? { ...target, folder: state.folder, changed: true } : "not-done";
}

function accountOf(accounts: ToolAccounts, name: string) {
  const found = accounts.get(name);
  if (found !== undefined) return found;
  throw movedOn(`the account "${name}" is no longer in the configuration`);
}

const movedOn = (why: string): ToolError =>
  new ToolError("INBOX_UNDO_TOO_LATE", `the mail cannot be found where it was put: ${why}`, {
    hint: "Look for it in your mail program",
  });
