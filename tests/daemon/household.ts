import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ObservationInput } from "watchkeeper";
import { callTools, FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { defineTool, z } from "../../src/index.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { packageInfo } from "../../src/config/package.ts";
import { openWatch } from "../../src/daemon.ts";
import { prune, type Store } from "../../src/store/index.ts";
import { silentLog } from "../../src/telemetry/log.ts";
import type { Play } from "./fixtures/skills/stage/index.ts";

/**
 * A busy household: five services, sixty mails a day of which five need somebody, a call to be approved each day,
 * outages, and now and then a look that fails. What happens is a function of the time alone.
 */

const minuteMs = 60_000;
export const dayMs = 1_440 * minuteMs;
const mailsPerDay = 60;
const mailEveryMs = dayMs / mailsPerDay;
/** Every twelfth mail is one that somebody should see. */
const isUrgent = (index: number): boolean => index % 12 === 3;
const stage = join(import.meta.dirname, "fixtures", "skills", "stage");
const mailCheck = "stage/mail";
const services = ["router", "nas", "heating", "cloud", "website"];

export interface Stretch {
  readonly days: number;
  /** How often the services are looked at. */
  readonly everyMs: number;
}

export interface HouseholdOptions {
  /** Lived one after the other, with a restart in between. */
  readonly stretches: readonly Stretch[];
  readonly retention?: ConfigInput["retention"];
  /** How long a mail stays open. */
  readonly mailKeptMs: number;
  /** At the end of each day. */
  readonly daily: (day: number, store: Store) => Promise<void>;
}

export interface HouseholdOutcome {
  readonly beats: number;
  readonly mails: number;
  readonly runs: number;
  /** Of each daily prune, its longest transaction. */
  readonly longestPruneMs: readonly number[];
}

/**
 * Lives it in the folder, whose `state` holds the database afterwards. Beat by beat: the daemon's own timer would
 * have the clock stop at every twentieth second.
 */
export async function liveIn(
  folder: string,
  { stretches, retention, mailKeptMs, daily }: HouseholdOptions,
): Promise<HouseholdOutcome> {
  const begin = Date.parse("2026-01-01T00:00:00Z");
  const clock = new FakeClock(begin);
  await using model = await startScriptedModel((request, index) => {
    const turns = request.body.messages.filter(({ role }) => role === "assistant").length;
    const asks = turns === 0 && index % 5 === 0;
    return asks
      ? callTools([{ name: "stage_order", input: { what: `something ${index}` } }])
      : reportAll("digest")(request, index);
  });
  const longestPruneMs: number[] = [];
  let beats = 0;
  let runs = 0;
  let day = 0;
  for (const { days, everyMs } of stretches) {
    const config = resolveConfig(
      {
        ...{ timezone: "UTC", web: false, ...(retention && { retention }) },
        model: { prices: lowPrices, budget: { monthlyUsd: 1_000, dailyUsd: 100 } },
        skills: { [stage]: lifeOf(begin, everyMs, mailKeptMs) },
      },
      {
        file: join(folder, "agent.config.ts"),
        environment: { ANTHROPIC_BASE_URL: model.baseUrl, ANTHROPIC_API_KEY: "sk-test" },
      },
    );
    await using watch = await openWatch({
      ...{ config, clock, log: silentLog, packageInfo: packageInfo(), pid: process.pid },
      stateDir: join(folder, "state"),
      print: () => undefined,
      observer: { beat: () => (beats += 1), ran: () => (runs += 1), ruled: () => undefined },
    });
    const names = watch.checks.map(({ name }) => name);
    const looks = names.filter((name) => name !== mailCheck);
    for (const last = day + days; day < last;) {
      for (let at = 0; at < dayMs; at += everyMs) {
        await clock.advance(everyMs);
        await watch.beatNow(at % Math.max(everyMs, mailEveryMs) === 0 ? names : looks);
      }
      day += 1;
      const [pending] = await watch.store.listApprovals({ all: false, limit: 1 });
      if (pending && day % 2 === 0) {
        const word = { decision: "approved", note: null, at: clock.now() } as const;
        await watch.store.decideApproval(pending.id, word);
      }
      const { longestMs } = await prune(watch.store, {
        ...{ retention: config.retention, now: clock.now() },
        pause: () => nextTurn(),
      });
      longestPruneMs.push(longestMs);
      await daily(day, watch.store);
    }
  }
  return { beats, runs, mails: day * mailsPerDay, longestPruneMs };
}

const lowPrices = { "claude-sonnet-5-5": { input: 0.001, output: 0.001 } };

function lifeOf(begin: number, everyMs: number, mailKeptMs: number): Play {
  const every = `${everyMs / minuteMs}m`;
  const looks = services.map((name, index): [string, Checks[string]] => [
    name,
    {
      every,
      observe: ({ now }) => {
        const minute = Math.floor((now.getTime() - begin) / minuteMs);
        // Half an hour each five days, each service on a day of its own.
        const isDown = Math.floor(minute / 1_440) % 5 === index && minute % 1_440 < 30;
        if (minute % 997 === index) throw new Error("connect ETIMEDOUT");
        return Promise.resolve({ observations: isDown ? [down(name)] : [], complete: true });
      },
    },
  ]);
  return {
    checks: {
      ...Object.fromEntries(looks),
      mail: {
        every: "10m",
        observe: ({ cursor, now }) => {
          const from = typeof cursor === "number" ? cursor : 0;
          const to = Math.floor((now.getTime() - begin) / mailEveryMs);
          const count = Math.max(0, to - from);
          const mails = Array.from({ length: count }, (_, offset) => from + offset);
          const closesAt = new Date(now.getTime() + mailKeptMs);
          return Promise.resolve({
            observations: mails.map((index) => mail(index, closesAt)),
            cursor: Math.max(from, to),
          });
        },
      },
    },
    tools: {
      order: defineTool({
        description: "Orders something.",
        effect: "send",
        input: z.object({ what: z.string() }),
        run: () => Promise.resolve("ordered"),
      }),
    },
  };
}

type Checks = NonNullable<Play["checks"]>;

const down = (name: string): ObservationInput => ({
  ...{ key: "down", severity: "critical", trust: "trusted", title: `${name} is down` },
  text: "HTTP 503 in 84 ms, three times in a row",
});

/** As long as an ordinary mail is shown, with the facts that come with it. */
function mail(index: number, closesAt: Date): ObservationInput {
  const address = `sender-${index % 97}@shop-${index % 13}.example`;
  return {
    key: `message-${index}@mail.example`,
    severity: isUrgent(index) ? "notice" : "info",
    trust: "untrusted",
    title: `Mail from ${address}: your order ${index}`,
    text: `From: ${address}\nSubject: your order ${index}\n\n${"Thank you for your patience. ".repeat(50)}`,
    data: {
      ...{ messageId: `message-${index}@mail.example`, from: address, subject: "your order" },
      ...{ to: ["me@example.com"], date: "2026-01-01T00:00:00.000Z", rule: null, vip: null },
      ...{ attachments: [], folder: "INBOX", authenticated: true, uid: index },
    },
    closesAt,
  };
}
