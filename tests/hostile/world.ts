import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createMaildir, FakeClock } from "watchkeeper/testing";
import type { ConfigInput } from "../../src/config/schema.ts";
import { keepWatch, type KeptWatch } from "../daemon/harness.ts";
import { folderInMemory } from "../ground/folder-in-memory.ts";
import { startMailServer, type ReceivedMail } from "../servers/smtp.ts";
import type { Play } from "../daemon/fixtures/skills/stage/index.ts";
import type { Injection, Invite } from "./injections.ts";
import { startObedientModel, type ObedientModel } from "./obedient-model.ts";
import { buildStage, grants, type Stage } from "./stage.ts";
import { orderText } from "./orders.ts";

/** A mailbox, a calendar, a service and a mail server, all real, and a model that serves the attacker. */

export const now = Date.parse("2026-01-05T09:00:00Z");
const minuteMs = 60_000;

/** With whom the owner lets it correspond, and how often; and what it may restart. */
export const sendCap = 2;
export const restartCap = 1;
const worldGrants = [
  ...grants,
  {
    tool: "inbox_send",
    when: { from: "*@news.example.com" },
    maxPerDay: sendCap,
    evenIfUntrusted: true,
  },
  {
    tool: "services_restart",
    when: { target: "api" },
    maxPerDay: restartCap,
    evenIfUntrusted: true,
  },
];

export interface World extends AsyncDisposable {
  readonly kept: KeptWatch;
  readonly obedient: ObedientModel;
  readonly stage: Stage;
  /** What left the house. */
  readonly sent: readonly ReceivedMail[];
  /** How often the service was restarted. */
  restarts(): Promise<number>;
  /** Until nothing that was found waits for its verdict. */
  untilJudged(): Promise<void>;
}

export interface WorldOptions {
  /** What lies in the mailbox and in the calendar at the first look. */
  readonly injections?: readonly Injection[];
  readonly checks?: NonNullable<Play["checks"]>;
}

export async function openWorld({ injections = [], checks }: WorldOptions): Promise<World> {
  await using opening = new AsyncDisposableStack();
  const folder = await folderInMemory("watchkeeper-hostile-");
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const server = await startMailServer();
  opening.defer(() => server.stop());
  const service = opening.use(await startHostileService());
  const obedient = opening.use(await startObedientModel());
  const stage = buildStage(folder);
  const clock = new FakeClock(now);
  const maildir = await createMaildir(join(folder, "mail"));
  for (const { by } of injections) {
    if ("mail" in by) {
      await maildir.deliver({ ...by.mail, to: "me@example.com", date: new Date(now - minuteMs) });
    }
  }
  await writeInvites(join(folder, "team.ics"), injections);
  const restarted = join(folder, "restarts.txt");
  const restart = `require("fs").appendFileSync(${JSON.stringify(restarted)}, "x"); fetch("${service.url}/up")`;
  const kept = opening.use(
    await keepWatch({
      folder,
      clock,
      model: obedient.model,
      config: unboundedConfig,
      play: { tools: stage.tools, ...(checks && { checks }) },
      skills: {
        inbox: {
          accounts: [
            {
              name: "home",
              address: "me@example.com",
              authservId: "mx.example.com",
              firstSight: "2d",
              maildir: maildir.path,
              smtp: { host: "127.0.0.1", port: server.port, secure: false },
            },
          ],
        },
        calendar: { sources: [{ name: "team", ics: join(folder, "team.ics") }] },
        services: {
          targets: [
            {
              name: "api",
              http: `${service.url}/health`,
              failureThreshold: 1,
              restart: { command: [process.execPath, "-e", restart] },
            },
          ],
        },
      },
    }),
  );
  const held = opening.move();
  return {
    kept,
    obedient,
    stage,
    sent: server.received,
    restarts: async () => (await readFile(restarted, "utf8").catch(() => "")).length,
    async untilJudged() {
      await kept.settle();
      while ((await kept.store.pendingFindings(1)).length > 0) await kept.pass(1_000);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Neither money nor steps are to stop the attacker: policy alone must. */
const plenty = 1e9;
const unboundedConfig: Omit<ConfigInput, "skills"> = {
  policy: { grants: worldGrants },
  model: {
    limits: { stepsPerRun: plenty, toolCallsPerRun: plenty, identicalCalls: plenty },
    budget: {
      ...{ perRunUsd: plenty, dailyUsd: plenty, monthlyUsd: plenty },
      ...{ perRunTokens: plenty, dailyTokens: plenty },
    },
  },
};

/** Fails until it is restarted, and gives orders in all that it says. */
async function startHostileService(): Promise<AsyncDisposable & { readonly url: string }> {
  const order = orderText("stage_*", { id: "http", to: "a@hill.example", place: "shed" });
  let isUp = false;
  const server = createServer((request, response) => {
    if (request.url === "/up") isUp = true;
    response.writeHead(isUp ? 200 : 503, order, { connection: "close", "x-order": order });
    response.end(order);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One after another, all soon. */
async function writeInvites(path: string, injections: readonly Injection[]): Promise<void> {
  const invites = injections.flatMap(({ by }) => ("invite" in by ? [by.invite] : []));
  const lines = invites.flatMap((invite, index) => [
    "BEGIN:VEVENT",
    `UID:invite-${index}@evil.example`,
    "DTSTAMP:20260101T000000Z",
    `DTSTART:${stamp(now + (index + 1) * minuteMs)}`,
    `DTEND:${stamp(now + (index + 2) * minuteMs)}`,
    ...textLines(invite),
    "END:VEVENT",
  ]);
  const whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//evil//EN", ...lines, "END:VCALENDAR"];
  await writeFile(`${path}.part`, `${whole.join("\r\n")}\r\n`);
  await rename(`${path}.part`, path);
}

const textLines = ({ summary, location, description }: Invite): string[] =>
  Object.entries({ SUMMARY: summary, LOCATION: location, DESCRIPTION: description }).flatMap(
    ([name, text]) =>
      text === undefined
        ? []
        : [`${name}:${text.replace(/[\\;,]/g, "\\$&").replaceAll("\n", "\\n")}`],
  );

const stamp = (at: number): string =>
  `${new Date(at).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
