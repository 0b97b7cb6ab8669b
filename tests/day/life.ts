import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FakeClock, startScriptedModel } from "watchkeeper/testing";
import type { Finding } from "../../src/domain/finding.ts";
import { giveWord } from "../../src/effects/owner-word.ts";
import type {
  ApprovalRecord,
  BeatRecord,
  EffectRecord,
  NotificationRecord,
  RunRecord,
  SpendTotals,
  StepRecord,
} from "../../src/store/port.ts";
import { keepWatch, temporaryFolder } from "../daemon/harness.ts";
import { judgement } from "./judgement.ts";
import { at, openWorld, settings, standingOrders } from "./world.ts";

/** Lives through the day, from midnight to midnight, and hands back what the store holds of it. */

export interface DayRecord {
  readonly beats: readonly BeatRecord[];
  readonly runs: readonly (RunRecord & { readonly steps: readonly StepRecord[] })[];
  readonly findings: readonly Finding[];
  readonly notifications: readonly NotificationRecord[];
  /** What reached the owner, in its exact words. */
  readonly told: readonly { readonly at: number; readonly text: string }[];
  readonly approvals: readonly ApprovalRecord[];
  readonly effects: readonly EffectRecord[];
  readonly spend: SpendTotals;
  /** Conversations and requests as the model's server saw them. */
  readonly conversations: number;
  readonly requests: number;
  /** What the mail server was given, and for whom. */
  readonly sent: readonly { readonly to: readonly string[]; readonly raw: string }[];
  /** Events of the world that are no mail. */
  readonly events: readonly { readonly at: number; readonly words: string }[];
  readonly shownSkills: Readonly<Record<string, unknown>>;
}

/** When the owner looks at their telephone and says yes. */
const yesAt = at("07:20");

export async function liveTheDay(): Promise<DayRecord> {
  await using folder = await temporaryFolder();
  await using world = await openWorld(folder.path);
  await mkdir(join(folder.path, "state"), { mode: 0o700 });
  await writeFile(join(folder.path, "state", "HEARTBEAT.md"), standingOrders);
  const clock = new FakeClock(at("00:00"));
  await using model = await startScriptedModel(judgement);
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: settings,
    skills: world.skills,
  });
  const { store } = kept;
  const told: { at: number; text: string }[] = [];
  const passUntil = async (moment: number): Promise<void> => {
    await kept.pass(moment - clock.now());
  };
  const owner = {
    at: yesAt,
    words: "Robin reads what is asked, and types `watchkeeper approve 1`.",
    async happen() {
      for (const { id } of await store.listApprovals({ all: false, limit: 10 })) {
        await giveWord(store, id, { decision: "approved", note: null, at: clock.now() });
      }
      // As when the command has woken the daemon; time stands still until the mail is out.
      await kept.watch.attendance.carryOutApproved();
    },
  };
  const events = [...world.events, owner].sort((one, other) => one.at - other.at);
  for (const event of events) {
    await passUntil(event.at);
    await event.happen();
  }
  // A moment before midnight: the beat of midnight is the next day's.
  await passUntil(at("24:00") - 1);
  await kept.settle();

  const notifications = await kept.notifications();
  const delivered = notifications.filter(({ state }) => state === "delivered");
  const findings = await kept.findings();
  const numbered = inOrderOfTime(findings);
  for (const [index, text] of kept.printed.entries()) {
    told.push({ at: delivered[index]?.createdAt ?? 0, text: numbered(world.named(text)) });
  }
  return {
    beats: (await store.listBeats({ limit: 5_000 })).toReversed(),
    runs: await kept.journal(),
    findings,
    notifications,
    told,
    approvals: await store.listApprovals({ all: true, limit: 10 }),
    effects: (await store.listEffects({ limit: 100 })).toReversed(),
    spend: await store.spendSince(at("00:00")),
    conversations: model.conversations().length,
    requests: model.requests.length,
    sent: world.outgoing.received.map(({ to, raw }) => ({ to, raw: raw.toString() })),
    events: events.flatMap(({ at: when, words }) =>
      words === undefined ? [] : [{ at: when, words }],
    ),
    shownSkills: world.shownSkills,
  };
}

/** Looks that end side by side save what they found in any order: the numbers in a text do not follow it. */
function inOrderOfTime(findings: readonly Finding[]): (text: string) => string {
  const word = ({ check, key }: Finding) => `${check} ${key}`;
  const sorted = findings.toSorted(
    (one, other) => one.openedAt - other.openedAt || (word(one) < word(other) ? -1 : 1),
  );
  const numbers = new Map(sorted.map(({ id }, index) => [id, index + 1]));
  return (text) =>
    text.replace(/\bfinding (\d+)/g, (_, id) => `finding ${numbers.get(Number(id)) ?? "?"}`);
}
