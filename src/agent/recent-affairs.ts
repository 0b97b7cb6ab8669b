import { verdicts, type Finding } from "../domain/finding.ts";
import { ordersSkill } from "../domain/standing-orders.ts";
import { formatDateTime } from "../domain/zoned-time.ts";
import type { ApprovalRecord, RunBrief, StoreReader, ToldBrief } from "../store/port.ts";
import { escapeXml } from "./escape-xml.ts";

/**
 * How the last runs ended and what is still open. Of our own fields only, ids, names and states: neither what a
 * model wrote nor what a stranger may have written, so that it makes no run untrusted.
 */

export interface StillOpen {
  /** Those of this run excepted: they stand in their fences. */
  readonly findings: readonly ToldBrief[];
  readonly approvals: readonly Pick<ApprovalRecord, "id" | "tool" | "status" | "createdAt">[];
}

const runsShown = 3;
const openShown = 8;
const idsShown = 6;

/** @param atHand the findings of the run that is to be told */
export async function recentAffairs(
  atHand: readonly Pick<Finding, "id">[],
  store: StoreReader,
): Promise<{ readonly recent: readonly RunBrief[]; readonly open: StillOpen }> {
  const shown = new Set(atHand.map(({ id }) => id));
  const limit = openShown + shown.size;
  // That an order stands is no matter that waits for anything.
  const told = await store.toldFindings({ without: ordersSkill, limit });
  return {
    recent: await store.recentRuns({ limit: runsShown }),
    open: {
      findings: told.filter(({ id }) => !shown.has(id)),
      approvals: await store.listApprovals({ all: false, limit: openShown }),
    },
  };
}

/** @returns the part of the last user message, or nothing when there was no run */
export function recentRunsPart(runs: readonly RunBrief[], timezone: string): string {
  const lines = runs.slice(0, runsShown).map((run) => {
    const what = [...verdictWords(run), ...effectWords(run)].join("; ");
    const when = formatDateTime(run.finishedAt, timezone);
    return `- run ${run.id}, ${when}, ${run.outcome}${what ? `: ${what}` : ""}`;
  });
  return part("recent_runs", lines);
}

function verdictWords({ verdicts: given }: RunBrief): string[] {
  return verdicts.toReversed().flatMap((verdict) => {
    const ids = given.flatMap((one) => (one.verdict === verdict ? one.findingId : []));
    return ids.length > 0 ? `${verdict} ${ids.length} (${idList("finding", ids)})` : [];
  });
}

function effectWords({ effects }: RunBrief): string[] {
  const alike = Map.groupBy(effects, ({ tool, state, undoneAt }) =>
    [tool, undoneAt === null ? said[state] : "undone"].join(" "),
  );
  return [...alike].slice(0, idsShown).map(
    ([what, same]) =>
      `${what} (${idList(
        "effect",
        same.map(({ id }) => id),
      )})`,
  );
}

const said: Readonly<Record<RunBrief["effects"][number]["state"], string>> = {
  planned: "planned",
  sent: "begun",
  done: "done",
  failed: "failed",
  unknown: "outcome not known",
};

/** @returns the part of the last user message, or nothing when nothing is open */
export function stillOpenPart({ findings, approvals }: StillOpen, timezone: string): string {
  const at = (time: number) => formatDateTime(time, timezone);
  return part("still_open", [
    ...findings
      .slice(0, openShown)
      .map(
        ({ id, check, severity, status, openedAt }) =>
          `- finding ${id}, ${check}, ${severity}, ${status}, since ${at(openedAt)}`,
      ),
    ...approvals
      .slice(0, openShown)
      .map(
        ({ id, tool, status, createdAt }) =>
          `- approval ${id}, ${tool}, ${status}, since ${at(createdAt)}`,
      ),
  ]);
}

const part = (name: string, lines: readonly string[]): string =>
  lines.length > 0 ? `<${name}>\n${lines.map(escapeXml).join("\n")}\n</${name}>` : "";

function idList(what: string, ids: readonly number[]): string {
  const shown = ids.slice(0, idsShown).join(", ");
  const more = ids.length - idsShown;
  return `${what}${ids.length > 1 ? "s" : ""} ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}
