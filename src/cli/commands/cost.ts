import { startOf } from "../../domain/zoned-time.ts";
import { costView, type CostView } from "../../views/cost.ts";
import { exit, parseDays, readExistingStore, type CommandContext } from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { compact, dollars, plural, quoted, table, wrap } from "../text.ts";

/** What was spent per day, model and skill, and what a month will cost. */
export async function cost(context: CommandContext, options: { days: string }): Promise<number> {
  const days = parseDays(options.days);
  const now = Date.now();
  await using store = readExistingStore(context);
  const timezone = await ownersZone(store);
  const calls = await store.spendCalls({ since: firstMoment(now, timezone, days) });
  const watchingSince = await store.watchingSince();
  const view = costView({ calls, now, timezone, days, watchingSince });
  context.out.write(
    context.json
      ? `${JSON.stringify(view, null, 2)}\n`
      : `${render(view, days, context.out.columns).join("\n")}\n`,
  );
  return exit.done;
}

const dayMs = 86_400_000;

/** When the first of so many days began, today being the last; a day may have 23 or 25 hours. */
function firstMoment(now: number, timezone: string, days: number): number {
  const noon = startOf("day", now, timezone) + dayMs / 2;
  return startOf("day", noon - (days - 1) * dayMs, timezone);
}

const sumColumns = [
  { title: "runs", align: "right" },
  { title: "calls", align: "right" },
  { title: "tokens", align: "right" },
  { title: "cost", align: "right" },
] as const;

interface Row {
  readonly runs: number;
  readonly calls: number;
  readonly tokens: number;
  readonly costUsd: number;
}

function render(view: CostView, days: number, lineLength: number): string[] {
  const period = `the last ${plural(days, "day")}`;
  if (view.days.length === 0) return [`No model was paid for in ${period}.`];
  const section = (title: string, rows: readonly (readonly [name: string, row: Row])[]) =>
    table(
      [{ title, width: "fill" }, ...sumColumns],
      rows.map(([name, { runs, calls, tokens, costUsd }]) => [
        quoted(name),
        String(runs),
        String(calls),
        compact(tokens),
        dollars(costUsd),
      ]),
      lineLength,
    );
  const { total, forecast } = view;
  const { monthUsd, fromDays, monthUsdAtTodaysPace } = forecast;
  const say = (text: string) => wrap(text, lineLength, "  ");
  return [
    section(
      "day",
      view.days.map((row) => [row.date, row]),
    ),
    "",
    section(
      "model",
      view.models.map((row) => [row.model, row]),
    ),
    "",
    section(
      "skill",
      view.skills.map((row) => [row.skill, row]),
    ),
    "",
    say(`${dollars(total.costUsd)} and ${compact(total.tokens)} tokens in ${period}.`),
    monthUsd === null
      ? say("A forecast needs a whole day of watching.")
      : say(`A month like the last ${plural(fromDays, "day")} costs ${dollars(monthUsd)}.`),
    ...(monthUsdAtTodaysPace === null
      ? []
      : [say(`A month at today's pace costs ${dollars(monthUsdAtTodaysPace)}.`)]),
  ];
}
