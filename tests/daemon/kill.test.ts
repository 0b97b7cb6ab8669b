import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  callTools,
  createMaildir,
  reportAll,
  type ReplyMaker,
  startScriptedModel,
} from "watchkeeper/testing";
import type { Finding } from "../../src/domain/finding.ts";
import type { StoreReader } from "../../src/store/index.ts";
import {
  look,
  slowSkill,
  startDaemon,
  until,
  writeFiles,
  type DaemonProcess,
} from "./daemon-process.ts";
import { temporaryFolder } from "./harness.ts";
import { startService, writeCalendar } from "./world.ts";

const minute = 60_000;

/** Probes once, then notifies of everything. */
const script: ReplyMaker = (request, index) =>
  request.body.messages.length === 1
    ? callTools([{ name: "services_probe", input: { target: "shop" } }])
    : reportAll("notify")(request, index);

interface Round {
  readonly daemon: DaemonProcess;
  readonly stateDir: string;
  /** Where the slow skill says which process has begun to look. */
  readonly began: string;
  /** Requests that the model has had before this round. */
  readonly requestsBefore: number;
  readonly requests: () => number;
  /** The newest rows before this round. */
  readonly before: Rows;
}

interface Rows {
  readonly beat: number;
  readonly run: number;
  readonly findings: number;
  readonly notification: number;
}

type Moment = (round: Round) => Promise<unknown>;

/** A moment that rows of the store show. */
const rowsShow =
  (shown: (store: StoreReader, round: Round) => Promise<boolean>): Moment =>
  (round) =>
    until(
      "the rows show it",
      () => look(round.stateDir, (store) => shown(store, round)),
      round.daemon,
    );

const newestRun = async (store: StoreReader) => {
  const [run] = await store.listRuns({ limit: 1 });
  return run && store.getRun(run.id);
};

const moments: [name: string, moment: Moment][] = [
  [
    "the daemon has just taken the state directory",
    rowsShow(async (store, { daemon }) => (await store.status()).daemon?.pid === daemon.pid),
  ],
  [
    "a beat has begun",
    rowsShow(async (store, { before }) => {
      const [beat] = await store.listBeats({ limit: 1 });
      return beat !== undefined && beat.id > before.beat && beat.finishedAt === null;
    }),
  ],
  [
    "a look is under way",
    ({ daemon, began }) =>
      until("a look has begun", async () => {
        const pids = (await readFile(began, "utf8").catch(() => "")).split("\n");
        return pids.includes(String(daemon.pid));
      }),
  ],
  [
    "some looks of a beat are saved, one is not",
    rowsShow(async (store, { before }) => {
      const findings = await store.listFindings({ all: true, limit: 1_000 });
      const [beat] = await store.listBeats({ limit: 1 });
      return findings.length > before.findings && beat?.finishedAt === null;
    }),
  ],
  [
    "the beat has ended",
    rowsShow(async (store, { before }) => {
      const [beat] = await store.listBeats({ limit: 1 });
      return beat !== undefined && beat.id > before.beat && beat.finishedAt !== null;
    }),
  ],
  [
    "a run has begun",
    rowsShow(async (store, { before }) => ((await newestRun(store))?.id ?? 0) > before.run),
  ],
  [
    "the model has the first request",
    ({ requests, requestsBefore, daemon }) =>
      until("a request", async () => requests() > requestsBefore, daemon),
  ],
  [
    "the model's first answer is saved",
    rowsShow(async (store, { before }) => {
      const run = await newestRun(store);
      return (
        run !== undefined && run.id > before.run && (run.steps[0]?.durationMs ?? null) !== null
      );
    }),
  ],
  [
    "a tool call is in the journal",
    rowsShow(async (store, { before }) => {
      const run = await newestRun(store);
      return run !== undefined && run.id > before.run && run.steps.length > 1;
    }),
  ],
  [
    "the model has the second request",
    ({ requests, requestsBefore, daemon }) =>
      until("two requests", async () => requests() > requestsBefore + 1, daemon),
  ],
  [
    "the verdicts are saved",
    rowsShow(async (store, { before }) => {
      const [run] = await store.listRuns({ limit: 1 });
      return run !== undefined && run.id > before.run && run.finishedAt !== null;
    }),
  ],
  [
    "a notification is in the store",
    rowsShow(async (store, { before }) => {
      const [newest] = await store.listNotifications({ limit: 1 });
      return newest !== undefined && newest.id > before.notification;
    }),
  ],
  [
    "a notification is printed",
    ({ daemon }) => until("it is printed", async () => daemon.stdout.includes("why now:"), daemon),
  ],
  [
    "it has been told to stop",
    async ({ daemon, requests, requestsBefore }) => {
      await until("a request", async () => requests() > requestsBefore, daemon);
      daemon.signal("SIGTERM");
      await until("it stops", async () => daemon.stderr.includes("asked to stop"), daemon);
    },
  ],
];

test(`killed at ${moments.length} moments of a beat, it finds what an undisturbed daemon finds, nothing twice`, async () => {
  await using folder = await temporaryFolder();
  await using service = await startService();
  service.isUp = false;
  const maildir = await createMaildir(join(folder.path, "mail"));
  let mails = 0;
  const deliver = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      mails += 1;
      const subject = `Message ${mails}`;
      const headers = { "Message-ID": `<message-${mails}@example.com>` };
      await maildir.deliver({
        from: "ann@example.com",
        to: "me@example.com",
        subject,
        text: "Hello.",
        headers,
      });
    }
  };
  const start = Date.now() + 20 * minute;
  const calendar = join(folder.path, "team.ics");
  const standUp = { id: "stand-up", title: "Stand-up", start, end: start + 30 * minute };
  const review = { ...standUp, id: "review", title: "Review" };
  await writeCalendar(calendar, [standUp, review]);
  await writeFiles(folder.path, { ...slowSkill(80), "agent.config.ts": config(service.url) });

  await using undisturbedModel = await startScriptedModel(script);
  const undisturbedState = join(folder.path, "undisturbed");
  await deliver(5);
  await using undisturbed = startDaemon({
    folder: folder.path,
    stateDir: undisturbedState,
    modelUrl: undisturbedModel.baseUrl,
  });

  await using model = await startScriptedModel(script);
  const stateDir = join(folder.path, "killed");
  const options = { folder: folder.path, stateDir, modelUrl: model.baseUrl };
  const began = join(folder.path, "began");
  let printed = "";
  for (const [, moment] of moments) {
    // Something new in each round, so that there is a run to kill.
    await deliver(2);
    const before = (await look(stateDir, newestRows)) ?? {
      beat: 0,
      run: 0,
      findings: 0,
      notification: 0,
    };
    const requestsBefore = model.requests.length;
    await using daemon = startDaemon(options);
    const requests = () => model.requests.length;
    await moment({ daemon, stateDir, began, requestsBefore, requests, before });
    await daemon.kill();
    printed += daemon.stdout;
  }

  // What was open when the daemons died is over when they look again.
  const hasCalendar = (store: StoreReader) => store.checkCursor("calendar/team");
  for (const dir of [stateDir, undisturbedState]) expect(await look(dir, hasCalendar)).toBeTruthy();
  service.isUp = true;
  await writeCalendar(calendar, [
    standUp,
    { ...review, start: start + 90 * minute, end: start + 120 * minute },
  ]);
  await deliver(1);
  await using last = startDaemon(options);
  for (const [daemon, dir] of [
    [last, stateDir],
    [undisturbed, undisturbedState],
  ] as const) {
    await until(
      "everything is seen and told",
      () => look(dir, (store) => isDone(store, mails)),
      daemon,
    );
    daemon.signal("SIGTERM");
    expect(await daemon.exitCode).toBe(0);
  }
  printed += last.stdout;

  const findings = (await look(stateDir, allFindings)) ?? [];
  const expected = (await look(undisturbedState, allFindings)) ?? [];
  expect(summary(findings)).toEqual(summary(expected));
  expect(findings.filter(({ check }) => check === "inbox/work")).toHaveLength(mails);
  expect(new Set(findings.map(({ check }) => check))).toEqual(
    new Set(["inbox/work", "calendar/team", "services/shop", "tide/level"]),
  );
  // Opened twice would be two rows.
  const names = findings.map(({ check, key }) => `${check} ${key}`);
  expect(new Set(names).size).toBe(names.length);

  const notifications =
    (await look(stateDir, (store) => store.listNotifications({ limit: 1_000 }))) ?? [];
  expect(notifications.filter(({ state }) => state !== "delivered")).toEqual([]);
  // Long lines are broken on the terminal.
  const read = printed.replace(/\s+/g, " ");
  for (const { title } of notifications) expect(read).toContain(title);
  for (const finding of findings) {
    const told = notifications.filter((notification) => notification.findings.includes(finding.id));
    // What is over was told twice: the service when it went down and when it was back.
    const times = finding.state === "resolved" ? 2 : 1;
    expect([finding.title, told.length]).toEqual([finding.title, times]);
  }
  const runs = (await look(stateDir, (store) => store.listRuns({ limit: 1_000 }))) ?? [];
  // A run that was cut off is gone on with, and ends well.
  expect(runs.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
});

const config = (url: string): string => `
  import { defineConfig } from "watchkeeper";
  export default defineConfig({
    timezone: "UTC",
    web: { port: 0 },
    heartbeat: { every: "1s", slack: "1s" },
    model: { chain: [{ model: "claude-sonnet-5-5" }] },
    skills: {
      services: { every: "1s", failureThreshold: 1, successThreshold: 1, targets: [{ name: "shop", http: "${url}" }] },
      inbox: { every: "1s", accounts: [{ name: "work", maildir: "./mail", firstSight: "2d" }] },
      calendar: { every: "1s", sources: [{ name: "team", ics: "./team.ics" }] },
      "./tide": {},
    },
    notify: { interruptionsPerDay: 1000 },
  });
`;

async function newestRows(store: StoreReader): Promise<Rows> {
  const [[beat], [run], [notification], findings] = await Promise.all([
    store.listBeats({ limit: 1 }),
    store.listRuns({ limit: 1 }),
    store.listNotifications({ limit: 1 }),
    allFindings(store),
  ]);
  return {
    beat: beat?.id ?? 0,
    run: run?.id ?? 0,
    findings: findings.length,
    notification: notification?.id ?? 0,
  };
}

const allFindings = (store: StoreReader): Promise<Finding[]> =>
  store.listFindings({ all: true, limit: 1_000 });

/** All mail is seen, the service is back, the meeting has moved, and nothing waits to be decided or told. */
async function isDone(store: StoreReader, mails: number): Promise<boolean> {
  const findings = await allFindings(store);
  const notifications = await store.listNotifications({ limit: 1_000 });
  return (
    findings.filter(({ check }) => check === "inbox/work").length === mails &&
    findings.some(({ check, state }) => check === "services/shop" && state === "resolved") &&
    findings.some(({ title }) => title.startsWith("Moved: Review")) &&
    (await store.pendingFindings(1)).length === 0 &&
    notifications.every(({ state }) => state === "delivered")
  );
}

const summary = (findings: readonly Finding[]): string[] =>
  findings.map(({ check, key, state, title }) => `${check} ${key} ${state} ${title}`).sort();
