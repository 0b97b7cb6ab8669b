import { requestWake } from "../../control.ts";
import { visibleJson } from "../../domain/canonical.ts";
import { findApproval, giveWord, statusAt } from "../../effects/owner-word.ts";
import type { ApprovalRecord, EffectRecord } from "../../store/index.ts";
import { approvalView, approvalWithOutcome } from "../../views/approval.ts";
import {
  exit,
  parseId,
  parseLimit,
  readExistingStore,
  writeStore,
  writeStoreForText,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { quoted, shortTime, table, wrap } from "../text.ts";

export async function listApprovals(
  context: CommandContext,
  options: { all?: true; limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  const { out, json } = context;
  await using store = readExistingStore(context);
  const approvals = await store.listApprovals({ all: options.all ?? false, limit });
  if (json) out.write(`${JSON.stringify(approvals.map(approvalView), null, 2)}\n`);
  else if (approvals.length === 0) {
    out.write(options.all ? "Nothing was asked yet.\n" : "Nothing waits for your word.\n");
  } else out.write(`${approvalTable(approvals, out.columns, await ownersZone(store))}\n`);
  return exit.done;
}

function approvalTable(
  approvals: readonly ApprovalRecord[],
  columns: number,
  zone: string,
): string {
  const now = Date.now();
  const rows = approvals.map((approval) => [
    String(approval.id),
    statusAt(approval, now),
    shortTime(approval.createdAt, now, zone),
    shortTime(approval.expiresAt, now, zone),
    approval.tool,
    // Line feeds within the texts are written out already.
    visibleJson(approval.arguments).replace(/\n */g, " "),
  ]);
  return table(
    [
      { title: "id", align: "right" },
      { title: "status" },
      { title: "asked" },
      { title: "until" },
      { title: "tool", atMost: 24 },
      { title: "arguments", width: "fill" },
    ],
    rows,
    columns,
  );
}

export async function showApproval(context: CommandContext, id: string): Promise<number> {
  await using store = readExistingStore(context);
  const { approval, effect } = await findApproval(store, parseId(id));
  if (context.json) {
    const view = approvalWithOutcome(approval, effect);
    context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  } else
    context.out.write(
      renderApproval(approval, effect, context.out.columns, await ownersZone(store)),
    );
  return exit.done;
}

function renderApproval(
  approval: ApprovalRecord,
  effect: EffectRecord | undefined,
  columns: number,
  zone: string,
): string {
  const now = Date.now();
  const when = (at: number | null) => shortTime(at, now, zone);
  const { id, tool, runId, reason, trust, note } = approval;
  const status = statusAt(approval, now);
  const until = status === "pending" ? `waits for your word until ${when(approval.expiresAt)}` : "";
  const decided = `${status} ${when(approval.decidedAt ?? approval.expiresAt)}`;
  const lines = [
    `#${id} ${tool} (${approval.effect}), ${until || decided}`,
    "",
    ...indented(approval.arguments),
    "",
    `asked ${when(approval.createdAt)}${runId === null ? "" : ` by run ${runId}`} because ${quoted(reason)}`,
    ...(trust === "untrusted"
      ? ["its run had read what a stranger could have written: read the arguments with care"]
      : []),
    ...(approval.editedFrom === null
      ? []
      : ["you have changed the arguments; it was asked with", ...indented(approval.editedFrom)]),
    ...(note ? [`your note: ${quoted(note)}`] : []),
    ...(status === "pending" ? [`watchkeeper approve ${id}, or watchkeeper deny ${id}`] : []),
  ];
  // The arguments stay as they are: a broken line would not be what is carried out.
  const text = lines.map((line) => (line.startsWith("  ") ? line : wrap(line, columns, "  ")));
  return `${[...text, ...renderOutcome(effect, columns, zone)].join("\n")}\n`;
}

/** JSON of others, every character of it visible. */
const indented = (value: unknown): string[] =>
  visibleJson(value)
    .split("\n")
    .map((line) => `  ${line}`);

/** What came of a call that was carried out, or is being so. */
export function renderOutcome(
  effect: EffectRecord | undefined,
  columns: number,
  zone: string,
): string[] {
  if (!effect) return [];
  const { id, state, error, result, undoneAt } = effect;
  const undone = undoneAt === null ? "" : `, undone ${shortTime(undoneAt, Date.now(), zone)}`;
  const lines = [wrap(`effect ${id}: ${state}${undone}`, columns, "  ")];
  if (error !== null) lines.push(wrap(`  ${quoted(error)}`, columns, "  "));
  if (result !== null) lines.push("what the tool returned:", ...indented(result));
  return lines;
}

export async function denyApproval(
  context: CommandContext,
  id: string,
  options: { note?: string },
): Promise<number> {
  const wanted = parseId(id);
  const open = options.note === undefined ? writeStore : writeStoreForText;
  await using store = await open(context);
  const word = { decision: "denied", note: options.note ?? null, at: Date.now() } as const;
  const denied = await giveWord(store, wanted, word);
  await requestWake(context.stateDir);
  if (context.json) context.out.write(`${JSON.stringify(approvalView(denied), null, 2)}\n`);
  else context.out.write(`approval ${wanted}: ${denied.tool} is denied; it will not be done.\n`);
  return exit.done;
}
