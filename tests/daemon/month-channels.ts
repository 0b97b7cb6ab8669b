import { seededRandom } from "./busy-world.ts";
import { startHttpReceiver, type Behaviour, type HttpReceiver } from "../servers/http-receiver.ts";
import { startNtfyServer } from "../servers/ntfy.ts";
import { startSlackServer } from "../servers/slack.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { calm, channelNames, type MonthChannel, type Trouble } from "./month-world.ts";

/** The receivers of the simulated month: they fail in every way, and take down what reached the owner. */

/** One attempt at a message, as the daemon began it and as the receiver met it. */
export interface Attempt {
  readonly channel: MonthChannel;
  /** By which the daemon names the delivery. */
  readonly key: string;
  /** On the daemon's clock. */
  readonly at: number;
  /** What was done to it; null when nothing. */
  fault: string | null;
  /** Whether the owner has it. */
  arrived: boolean;
  /** Whether the daemon was answered that it was taken. */
  answered: boolean;
  /** Whether the daemon lived to hear what came of it. */
  ended: boolean;
}

export interface MonthChannels extends AsyncDisposable {
  readonly settings: NonNullable<NonNullable<ConfigInput["notify"]>["channels"]>;
  readonly attempts: readonly Attempt[];
  /** Faults by kind, also those that met a question about a message. */
  readonly faults: Readonly<Record<string, number>>;
  /** Channels with a request that is held on purpose. */
  held(): { readonly channel: MonthChannel; readonly until: number }[];
  /** The time that it is now: opens and closes what is out for longer, and answers what was slow. */
  passTo(at: number): Promise<void>;
  begin(channel: MonthChannel, key: string): void;
  end(channel: MonthChannel, error: string | null): void;
  /** The daemon is dead: nothing is under way. */
  died(): void;
}

const topic = "watch";
const slowMs = 8_000;
/** Of all requests, outside the longer troubles. */
const faultRate = 0.34;

type Draw = { readonly name: string; readonly how: Behaviour; readonly takes: boolean };

const faults: readonly ((random: () => number) => Draw)[] = [
  () => ({ name: "500", how: { status: 500 }, takes: false }),
  () => ({ name: "503", how: { status: 503, body: "<html>busy</html>" }, takes: false }),
  (random) => ({
    name: "429",
    how: { status: 429, headers: { "Retry-After": `${Math.ceil(random() * 400)}` } },
    takes: false,
  }),
  () => ({ name: "cut", how: "cut", takes: false }),
  () => ({ name: "lost", how: "lose", takes: true }),
  () => ({ name: "hang", how: "hang", takes: false }),
  () => ({ name: "stall", how: "stall", takes: true }),
  () => ({ name: "504", how: { status: 504 }, takes: false }),
  () => ({ name: "garbage", how: { status: 299, body: "\u0000\uFFFD{]" }, takes: true }),
  () => ({ name: "half", how: "half", takes: true }),
  () => ({ name: "slow", how: "answer", takes: true }),
];

export async function startMonthChannels(
  seed: number,
  troubles: readonly Trouble[],
  meet: (at: number) => Promise<"before" | "after" | null>,
): Promise<MonthChannels> {
  let now = 0;
  const attempts: Attempt[] = [];
  const counts: Record<string, number> = {};
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
  const under = new Map<MonthChannel, Attempt>();
  const held = new Map<MonthChannel, { until: number; go: () => void }>();
  const closed = new Set<MonthChannel>();

  const slack = await startSlackServer();
  const ntfy = await startNtfyServer({ now: () => Math.floor(now / 1_000) });
  const webhook = await startHttpReceiver();
  const servers: Record<MonthChannel, HttpReceiver> = { webhook, slack, ntfy };

  const troubleOf = (channel: MonthChannel, kind: Trouble["kind"]): boolean =>
    troubles.some(
      (trouble) =>
        trouble.channel === channel &&
        trouble.kind === kind &&
        trouble.from <= now &&
        now < trouble.to,
    );

  for (const channel of channelNames) {
    const random = seededRandom(seed + 10 + channelNames.indexOf(channel));
    const isFaulty = (): boolean => now < calm && random() < faultRate;
    const draw = (): Draw => {
      if (troubleOf(channel, "unauthorized")) {
        return { name: "401", how: { status: 401, body: '{"error":"no"}' }, takes: false };
      }
      const fault = isFaulty() ? faults[Math.floor(random() * faults.length)] : undefined;
      return fault?.(random) ?? { name: "", how: "answer", takes: true };
    };
    servers[channel].behave(async ({ method }) => {
      const attempt = method === "POST" ? under.get(channel) : undefined;
      const death = attempt ? await meet(now) : null;
      if (attempt && death) {
        count("killed");
        attempt.fault = "killed";
        attempt.arrived = death === "after";
        return death === "after" ? "stall" : "hang";
      }
      const { name, how, takes } = draw();
      if (name !== "") count(method === "POST" ? name : `${name} when asked`);
      if (attempt) {
        attempt.fault = name || null;
        attempt.arrived = takes;
        attempt.answered = takes && how !== "lose" && how !== "stall";
      }
      if (how === "hang" || how === "stall") {
        held.set(channel, { until: Infinity, go: () => undefined });
      }
      if (name !== "slow") return how;
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(channel, { until: now + slowMs, go: resolve });
      await promise;
      return how;
    });
  }

  const over = (channel: MonthChannel): void => {
    held.get(channel)?.go();
    held.delete(channel);
    under.delete(channel);
  };
  return {
    settings: {
      webhook: { url: `${webhook.origin}/hook`, secret: "a secret of more than 24 bytes" },
      slack: { url: slack.url, severity: "notice" },
      ntfy: { server: ntfy.origin, topic, use: "fallback" },
    },
    attempts,
    faults: counts,
    held: () => [...held].map(([channel, { until }]) => ({ channel, until })),
    async passTo(at) {
      now = Math.max(now, at);
      for (const [channel, { until, go }] of held) {
        if (until > now) continue;
        held.delete(channel);
        go();
      }
      for (const channel of channelNames) {
        const isOut = troubleOf(channel, "refused");
        if (isOut && !closed.has(channel)) {
          closed.add(channel);
          await servers[channel].leave();
        } else if (!isOut && closed.delete(channel)) await servers[channel].comeBack();
      }
    },
    begin(channel, key) {
      const attempt = {
        channel,
        key,
        at: now,
        ...{ fault: null, arrived: false, answered: false, ended: false },
      };
      attempts.push(attempt);
      under.set(channel, attempt);
    },
    end(channel, error) {
      const attempt = under.get(channel);
      if (attempt) attempt.ended = true;
      if (attempt && error === "CHANNEL_UNREACHABLE") {
        attempt.fault = "refused";
        count("refused");
      }
      over(channel);
    },
    died() {
      for (const channel of channelNames) over(channel);
    },
    async [Symbol.asyncDispose]() {
      for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
    },
  };
}
