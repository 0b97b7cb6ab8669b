import { performance } from "node:perf_hooks";

/** What is measured, with what it may be at most. */
export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "MB" | "tokens";
  readonly values: readonly number[];
  readonly atMost: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Repeats `work` and gives the milliseconds of each time after the first, which warms up. */
export async function timesOf(times: number, work: () => Promise<unknown>): Promise<number[]> {
  await work();
  const values: number[] = [];
  for (let index = 0; index < times; index += 1) values.push(await timed(work));
  return values;
}

export function printFigures(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, unit, values, atMost }) => {
    const show = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
    const middle = median(values);
    const spread = `${show(Math.min(...values))} to ${show(Math.max(...values))}`;
    return [
      name,
      `${show(middle)} ${unit}`,
      spread,
      `${atMost} ${unit}`,
      middle <= atMost ? "yes" : "NO",
    ];
  });
  const head = ["what", "median", "spread", "at most", "kept"];
  console.log(`| ${head.join(" | ")} |\n|${head.map(() => " --- ").join("|")}|`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}
