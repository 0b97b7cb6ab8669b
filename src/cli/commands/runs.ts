import { formatDuration } from "../../domain/duration.ts";
import { WatchkeeperError } from "../../domain/errors.ts";
import { runView, stepView } from "../../views/run.ts";
import { exit, parseId, parseLimit, readExistingStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { stepLines } from "../journal.ts";
import { compact, dollars, idRanges, plural, quoted, shortTime, table, wrap } from "../text.ts";

export async function listRuns(
  context: CommandContext,
  options: { limit: string },
): Promise<number> {
  const limit = parseLimit(options.limit);
  await using store = readExistingStore(context);
  const runs = await store.listRuns({ limit });
  if (context.json) {
    context.out.write(`${JSON.stringify(runs.map(runView), null, 2)}\n`);
    return exit.done;
  }
  if (runs.length === 0) {
    context.out.write("No run yet: no model was asked so far.\n");
    return exit.done;
  }
  const now = Date.now();
  const zone = await ownersZone(store);
  const rows = runs.map((run) => [
    String(run.id),
    shortTime(run.startedAt, now, zone),
    run.outcome ?? "going on",
    run.finishedAt === null ? "-" : formatDuration(run.finishedAt - run.startedAt),
    String(run.findings.length),
    compact(run.inputTokens + run.outputTokens + run.cachedTokens),
    dollars(run.costUsd),
    run.model,
  ]);
  const columns = [
    { title: "run", align: "right" },
    { title: "when" },
    { title: "outcome" },
    { title: "took", align: "right" },
    { title: "found", align: "right" },
    { title: "tokens", align: "right" },
    { title: "cost", align: "right" },
    { title: "model", width: "fill" },
  ] as const;
  context.out.write(`${table(columns, rows, context.out.columns)}\n`);
  return exit.done;
}

export async function showRun(context: CommandContext, id: string): Promise<number> {
  const wanted = parseId(id);
  await using store = readExistingStore(context);
  const run = await store.getRun(wanted);
  if (!run) {
    throw new WatchkeeperError("RUN_UNKNOWN", `there is no run ${wanted}`, {
      hint: "`watchkeeper runs` lists them",
    });
  }
  if (context.json) {
    const view = { ...runView(run), steps: run.steps.map(stepView) };
    context.out.write(`${JSON.stringify(view, null, 2)}\n`);
    return exit.done;
  }
  const { columns } = context.out;
  const say = (text: string, indent = "  ") => wrap(quoted(text), columns, indent);
  const when = shortTime(run.startedAt, Date.now(), await ownersZone(store));
  const lines = [
    say(`run ${run.id}, ${when}, ${run.model}: ${run.outcome ?? "going on"}`),
    say(`about ${idRanges(run.findings) || "no finding"}, with prompt ${run.promptVersion}`),
    say(
      `${tokens(run.inputTokens)} in, ${tokens(run.cachedTokens)} of the cache, ` +
        `${tokens(run.outputTokens)} out, ${dollars(run.costUsd)}`,
    ),
    ...(run.error ? [say(`error: ${run.error}`)] : []),
    ...(run.summary ? [say(`the model's summary: ${run.summary}`)] : []),
  ];
  for (const step of run.steps) lines.push("", ...stepLines(step, columns));
  lines.push("", "`--json` shows inputs and outputs in full.");
  context.out.write(`${lines.join("\n")}\n`);
  return exit.done;
}

const tokens = (count: number): string => plural(count, "token");
