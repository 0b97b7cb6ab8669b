/** A reader of the Prometheus text format, written after its description and not after any library. */

export interface Sample {
  /** Without the prefix. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const prefix = "watchkeeper_";

/** @throws Error for a line that the format does not know, or a sample without HELP and TYPE before it */
export function readExposition(text: string) {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const helped = new Set<string>();
  const typed = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split("\n").filter(Boolean)) {
    const [, keyword, about = "", rest = ""] =
      /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") helped.add(about);
    else if (keyword === "TYPE") typed.set(about, rest);
    else {
      const sample = readSample(line);
      const full = `${prefix}${sample.name}`;
      if (!helped.has(full) || !typed.has(full)) throw new Error(`unannounced: ${line}`);
      if (sample.name.endsWith("_total") !== (typed.get(full) === "counter"))
        throw new Error(`not its kind: ${line}`);
      const key = JSON.stringify([full, Object.entries(sample.labels).sort()]);
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      samples.push(sample);
    }
  }
  const matching = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  return {
    samples,
    /** The one sample with these labels; undefined when there is none. */
    of(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
      const [sample, ...more] = matching(name, labels);
      if (more.length > 0) throw new Error(`${name} is not one sample`);
      return sample?.value;
    },
    sum: (name: string) => matching(name, {}).reduce((total, { value }) => total + value, 0),
  };
}

function readSample(line: string): Sample {
  const [, name = "", inBraces = "", value = ""] =
    /^watchkeeper_([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(
      line,
    ) ?? [];
  if (name === "") throw new Error(`not a sample: ${line}`);
  const labels = Object.fromEntries(
    [...inBraces.matchAll(/([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"/g)].map(
      ([, label = "", text = ""]) => [label, text],
    ),
  );
  return { name, labels, value: Number(value) };
}
