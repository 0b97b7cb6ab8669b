import { seededRandom } from "./busy-world.ts";

/** A month in which things happen, as a pure function of its seed: whoever asks sees the same. */

export const minute = 60_000;
export const hour = 60 * minute;
const day = 24 * hour;

/** Nine days before clocks go forward in {@link timezone}. */
export const begin = Date.parse("2026-03-19T23:00:00Z");
export const timezone = "Europe/Berlin";
export const days = Number(process.env.MONTH_DAYS ?? 30);
/** From here on nothing new happens and nothing fails: what waits has a day to be told. */
export const calm = begin + days * day;
export const end = calm + day;

/** In the folder of the month; its eight bytes are the time that the daemon lives in. */
export const clockFile = "clock";

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Service {
  readonly name: string;
  readonly severity: "critical" | "warning";
  readonly outages: readonly Span[];
}

export interface Notice {
  readonly key: string;
  readonly at: number;
  readonly severity: "notice" | "info";
}

export interface World {
  readonly services: readonly Service[];
  readonly notices: readonly Notice[];
}

/** A warning that lasts so long is critical. */
export const worseAfter = 3 * hour;

export function makeWorld(seed: number): World {
  const random = seededRandom(seed);
  const between = (least: number, most: number): number => least + random() * (most - least);

  /** Mostly short, a few overnight; now and then one that comes and goes. */
  function outage(from: number): Span[] {
    if (random() < 0.15) {
      const spans: Span[] = [];
      let at = from;
      for (let times = Math.round(between(4, 9)); times > 0; times -= 1) {
        const to = at + between(6, 8) * minute;
        spans.push({ from: at, to });
        at = to + between(6, 8) * minute;
      }
      return spans;
    }
    const kind = random();
    const length =
      kind < 0.55 ? between(6, 40) : kind < 0.9 ? between(60, 360) : between(600, 2_000);
    return [{ from, to: from + length * minute }];
  }

  function service(name: string, severity: Service["severity"], daysBetween: number): Service {
    const outages: Span[] = [];
    let at = begin + between(0.1, 1) * day;
    while (at < calm) {
      const spans = outage(at).filter(({ to }) => to < calm);
      outages.push(...spans);
      at = (spans.at(-1)?.to ?? at) + between(0.3, 1.7) * daysBetween * day;
    }
    return { name, severity, outages };
  }

  const services = [
    service("api", "critical", 2.2),
    service("database", "critical", 3.5),
    service("shop", "warning", 1.6),
    service("backup", "warning", 2.4),
  ];
  const notices: Notice[] = [];
  // More by day than by night, and more than the day's cap has room for.
  for (let at = begin; at < calm; at += between(1, 120) * minute * (isNight(at) ? 2 : 1)) {
    const severity = random() < 0.15 ? "info" : "notice";
    notices.push({ key: `notice-${notices.length}`, at, severity });
  }
  return { services, notices };
}

const isNight = (at: number): boolean =>
  [21, 22, 23, 0, 1, 2, 3, 4].includes(new Date(at).getUTCHours());

/** What the scripted model says of a notice. */
export function verdictOn(key: string): "notify" | "digest" | "ignore" {
  const [, number = "0"] = /(\d+)$/.exec(key) ?? [];
  const last = (Number(number) * 7 + 3) % 10;
  return last < 4 ? "notify" : last < 8 ? "digest" : "ignore";
}

export const channelNames = ["webhook", "slack", "ntfy"] as const;
export type MonthChannel = (typeof channelNames)[number];

export interface Trouble extends Span {
  readonly channel: MonthChannel;
  readonly kind: "refused" | "unauthorized";
}

/** When channels are out for longer; now and then all of them, as something critical begins. */
export function makeTroubles(seed: number, { services }: World): Trouble[] {
  const random = seededRandom(seed + 1);
  const between = (least: number, most: number): number => least + random() * (most - least);
  const troubles: Trouble[] = [];
  for (const channel of channelNames) {
    for (const [kind, times, least, most] of [
      ["refused", 6, 10, 200],
      ["unauthorized", 5, 60, 300],
    ] as const) {
      for (let time = 0; time < times; time += 1) {
        const from = begin + between(1, days - 1) * day;
        troubles.push({ channel, kind, from, to: from + between(least, most) * minute });
      }
    }
  }
  const critical = services.filter(({ severity }) => severity === "critical");
  for (const { outages } of critical) {
    const from = outages[Math.floor(random() * outages.length)]?.from ?? begin + day;
    for (const channel of channelNames) {
      const to = from + between(20, 50) * minute;
      troubles.push({ channel, kind: "refused", from: from - 10 * minute, to });
    }
  }
  return troubles;
}

/** How a daemon dies: at a write of its own, or while somebody has its request. */
export interface Death {
  /** Not before then. */
  readonly at: number;
  readonly where: "write" | "delivery" | "model";
  /** Of writes: the how manieth after that time. */
  readonly nth: number;
  readonly when: "before" | "after";
  /** Until it is started again. */
  readonly downMs: number;
}

export function makeDeaths(seed: number, count: number): Death[] {
  const random = seededRandom(seed + 2);
  const wheres = ["write", "delivery", "delivery", "model"] as const;
  return Array.from({ length: count }, () => ({
    at: begin + (0.2 + random() * (days - 1.5)) * day,
    where: wheres[Math.floor(random() * wheres.length)] ?? "write",
    nth: 1 + Math.floor(random() * 12),
    when: random() < 0.5 ? ("before" as const) : ("after" as const),
    downMs: random() < 0.8 ? random() * 2 * minute : random() * 5 * hour,
  })).toSorted((a, b) => a.at - b.at);
}
