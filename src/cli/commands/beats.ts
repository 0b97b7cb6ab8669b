import { formatDuration } from "../../domain/duration.ts";
import { WatchkeeperError } from "../../domain/errors.ts";
import type { BeatRecord, StoreReader } from "../../store/port.ts";
import { beatView, beatWithEffects, ruleEffectsOf } from "../../views/beat.ts";
import { exit, parseId, parseLimit, readExistingStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import {
  dollars,
  painterFor,
  paintState,
  plural,
  quoted,
  shortTime,
  table,
  verdictWords,
  wrap,
} from "../text.ts";

export async function listBeats(
  context: CommandContext,
  options: { limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  await using store = readExistingStore(context);
  const beats = await store.listBeats({ limit });
  if (context.json) {
    context.out.write(`${JSON.stringify(beats.map(beatView), null, 2)}\n`);
    return exit.done;
  }
  if (beats.length === 0) context.out.write("No beat yet.\n");
  else context.out.write(`${renderBeats(beats, context, await ownersZone(store))}\n`);
  return exit.done;
}

function renderBeats(beats: readonly BeatRecord[], { out }: CommandContext, zone: string): string {
  const now = Date.now();
  const rows = beats.map((beat) => [
    String(beat.id),
    shortTime(beat.startedAt, now, zone),
    beat.trigger,
    beat.outcome ?? "going on",
    tookOf(beat),
    summaryOf(beat),
    beat.runId === null ? "-" : String(beat.runId),
    beat.costUsd > 0 ? dollars(beat.costUsd) : "-",
  ]);
  return table(
    [
      { title: "beat", align: "right" },
      { title: "when" },
      { title: "trigger" },
      { title: "outcome" },
      { title: "took", align: "right" },
      { title: "found", width: "fill" },
      { title: "run", align: "right" },
      { title: "cost", align: "right" },
    ],
    rows,
    out.columns,
  );
}

const tookOf = (beat: BeatRecord): string =>
  beat.finishedAt === null ? "-" : formatDuration(beat.finishedAt - beat.startedAt);

function summaryOf(beat: BeatRecord): string {
  if (beat.missedCount !== null) return plural(beat.missedCount, "beat missed", "beats missed");
  const failed = beat.checks.filter(({ outcome }) => outcome !== "ok").length;
  return [
    beat.findings.length > 0 ? plural(beat.findings.length, "finding") : "",
    failed > 0 ? plural(failed, "check failed", "checks failed") : "",
  ]
    .filter(Boolean)
    .join(", ");
}

export async function showBeat(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = readExistingStore(context);
  const beat = await findBeat(store, wanted);
  if (context.json)
    context.out.write(`${JSON.stringify(await beatWithEffects(store, beat), null, 2)}\n`);
  else context.out.write(await renderBeat(store, beat, context));
  return exit.done;
}

export async function findBeat(store: StoreReader, id: number): Promise<BeatRecord> {
  const beat = await store.getBeat(id);
  if (beat) return beat;
  throw new WatchkeeperError("BEAT_UNKNOWN", `there is no beat ${id}`, {
    hint: "`watchkeeper beats` lists them",
  });
}

const triggerWords = { schedule: "as scheduled", manual: "asked for", "catch-up": "catching up" };

/** Nothing new is good news only where somebody has looked. */
function quietEnd({ checks }: BeatRecord): string {
  const unseen = checks.filter(({ outcome }) => outcome === "failed" || outcome === "timeout");
  if (unseen.length === 0) return "nothing new";
  const count = `${unseen.length} of ${plural(checks.length, "check")} failed`;
  return unseen.length === checks.length
    ? `nothing could be seen: ${count}`
    : `nothing new where it could be seen: ${count}`;
}

/** A receipt: what was due, what came of it, what was found, done and spent. */
export async function renderBeat(
  store: StoreReader,
  beat: BeatRecord,
  { out, environment }: Pick<CommandContext, "out" | "environment">,
): Promise<string> {
  const paint = painterFor(out, environment);
  const zone = await ownersZone(store);
  const when = shortTime(beat.startedAt, Date.now(), zone);
  const outcome = beat.outcome === null ? "going on" : `${beat.outcome} in ${tookOf(beat)}`;
  const lines = [`beat ${beat.id}, ${when}, ${triggerWords[beat.trigger]}: ${outcome}`];
  if (beat.missedCount !== null) {
    lines.length = 0;
    const from = shortTime(beat.startedAt, Date.now(), zone);
    const to = shortTime(beat.finishedAt, Date.now(), zone);
    lines.push(`beat ${beat.id}: ${plural(beat.missedCount, "beat")} missed from ${from} to ${to}`);
  }
  if (beat.error) lines.push(wrap(`error: ${quoted(beat.error)}`, out.columns, "  "));
  if (beat.checks.length > 0) lines.push("");
  for (const { name, outcome, durationMs, error, notes } of beat.checks) {
    const shown = outcome === "ok" ? paint("green", "ok") : paint("red", outcome);
    lines.push(wrap(`  ${name}: ${shown} in ${formatDuration(durationMs)}`, out.columns, "    "));
    for (const line of [error ?? "", ...(notes ?? [])]) {
      if (line) lines.push(wrap(`    ${quoted(line)}`, out.columns, "    "));
    }
  }
  const findings = await store.getFindings(beat.findings);
  const deciders = new Set(findings.map(({ decidedBy }) => decidedBy));
  const [decider] = deciders;
  const by = deciders.size === 1 && decider ? `, decided by the ${decider}` : "";
  if (findings.length > 0) {
    lines.push("", `${plural(findings.length, "finding")}, as they stand now${by}:`);
  } else if (beat.missedCount === null && beat.outcome === "quiet") lines.push("", quietEnd(beat));
  for (const { id, severity, state, title, verdict, decidedBy } of findings) {
    const own = by || !decidedBy ? "" : ` by the ${decidedBy}`;
    const decided = verdict ? ` → ${verdictWords[verdict]}${own}` : "";
    const text = wrap(`  #${id} ${severity} ${state}: ${title}${decided}`, out.columns, "      ");
    lines.push(paintState(text, { severity, state }, paint));
  }
  const ruled = await ruleEffectsOf(store, beat);
  if (ruled.length > 0)
    lines.push("", `${plural(ruled.length, "call")} that your rules asked for:`);
  for (const { id, check, tool, state, error, undoneAt } of ruled) {
    const end = undoneAt === null ? state : `${state}, undone`;
    const why = error === null ? "" : `: ${quoted(error)}`;
    const text = `  effect ${id}: ${tool} for ${check ?? ""}, ${end}${why}`;
    lines.push(wrap(text, out.columns, "      "));
  }
  if (beat.runId !== null) {
    lines.push(
      "",
      `run ${beat.runId} cost ${dollars(beat.costUsd)}; \`watchkeeper runs show ${beat.runId}\` has its steps`,
    );
  }
  return `${lines.join("\n")}\n`;
}
