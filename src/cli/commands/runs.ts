import { formatDuration } from "../../domain/duration.ts";
import { WatchkeeperError } from "../../domain/errors.ts";
import { runView, stepView } from "../../views/run.ts";
import { exit, parseId, parseLimit, readExistingStore, type CommandContext } from "../context.ts";
import { dollars, hostTimezone, shortTime, table, wrap } from "../text.ts";

export async function listRuns(context: CommandContext, options: { limit: string }): Promise<number> {
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
  const rows = runs.map((run) => [
    String(run.id),
    shortTime(run.startedAt, now, hostTimezone()),
    run.outcome ?? "going on",
    run.finishedAt === null ? "-" : formatDuration(run.finishedAt - run.startedAt),
    String(run.findings.length),
    String(run.inputTokens + run.outputTokens + run.cachedTokens),
    dollars(run.costUsd),
    run.model,
  ]);
  const columns = [
    { title: "run", align: "right" },
    { title: "when" },
    { title: "outcome" },
    { title: "took", align: "right" },
    { title: "findings", align: "right" },
    { title: "tokens", align: "right" },
    { title: "cost", align: "right" },
    { title: "model", width: "fill" },
  ] as const;
  context.out.write(`${table(columns, rows, context.out.columns)}\n`);
  return exit.done;
}

export async function showRun(context: CommandContext, id: string): Promise<number> {
  await using store = readExistingStore(context);
  const run = await store.getRun(parseId(id));
  if (!run) {
    throw new WatchkeeperError("RUN_UNKNOWN", `there is no run ${id}`, {
      hint: "`watchkeeper runs` lists them",
    });
  }
  if (context.json) {
    const view = { ...runView(run), steps: run.steps.map(stepView) };
    context.out.write(`${JSON.stringify(view, null, 2)}\n`);
    return exit.done;
  }
  const { columns } = context.out;
  const cell = (label: string, value: unknown) =>
    wrap(`       ${label}: ${cutText(typeof value === "string" ? value : JSON.stringify(value))}`, columns, "         ");
  const lines = [
    `run ${run.id}, ${shortTime(run.startedAt, Date.now(), hostTimezone())}, ${run.model}, prompt ${run.promptVersion}: ${run.outcome ?? "going on"}`,
    `${run.inputTokens} tokens in, ${run.cachedTokens} from the cache, ${run.outputTokens} out, ${dollars(run.costUsd)}`,
    `findings ${run.findings.join(", ") || "none"}`,
    ...(run.error ? [wrap(`error: ${run.error}`, columns, "  ")] : []),
    ...(run.summary ? [wrap(`the model's summary: ${run.summary}`, columns, "  ")] : []),
  ];
  for (const step of run.steps) {
    const took = step.durationMs === null ? "not finished" : formatDuration(step.durationMs);
    const decision = step.decision ? `, ${step.decision}` : "";
    lines.push("", `  ${step.index + 1}. ${step.kind} ${step.name}, ${took}${decision}`);
    if (step.reason && step.decision !== "allow") lines.push(cell("why", step.reason));
    lines.push(cell("in", step.input));
    if (step.output !== null) lines.push(cell("out", step.output));
    if (step.error) lines.push(cell("error", step.error));
  }
  lines.push("", "`--json` shows inputs and outputs in full.");
  context.out.write(`${lines.join("\n")}\n`);
  return exit.done;
}

const cutText = (text: string): string => {
  const line = text.replace(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
};
