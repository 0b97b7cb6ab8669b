import type { ImapFlow } from "imapflow";
import type { Account } from "./config.ts";
import { type ImapServer, secretsOf } from "./servers.ts";
import { digestHeaders } from "./identity.ts";
import { type OpenFolder, withFolder } from "./imap-connection.ts";
import { isConnectionLoss, reasonOf } from "./imap-errors.ts";
import { findInFolder } from "./imap-find.ts";
import { arrivedSince, fetchHeads, fetchMessage, newestSince, searchUids } from "./imap-folder.ts";
import {
  clockSkewMs,
  completed,
  imapCursor,
  type ImapCursor,
  type LookPlan,
  planLook,
} from "./imap-plan.ts";
import {
  lookBudgetMs,
  type LookInput,
  type LookResult,
  type Mailbox,
  type StoredMessage,
} from "./mailbox.ts";

const dayMs = 86_400_000;
/** More left alone around the floor than this, and the floor alone decides. */
const mostLeftAlone = 500;

interface Dependencies {
  readonly account: Account;
  readonly server: ImapServer;
  /** Its path, as the server spells it. */
  readonly folder: string;
  readonly baseDir: string;
}

/** An account whose mail is in a folder of an IMAP server. */
export function imapMailbox(dependencies: Dependencies): Mailbox {
  const { server, folder, baseDir } = dependencies;
  return {
    look: (input) => look(dependencies, input),
    find: (id, { signal, now }) =>
      withFolder(server, { baseDir, signal, folder }, (open) => findInFolder(open, id, now)),
  };
}

async function look(dependencies: Dependencies, input: LookInput): Promise<LookResult> {
  const { account, server, folder, baseDir } = dependencies;
  const { now, signal } = input;
  const saved = imapCursor.safeParse(input.cursor);
  const notes: string[] = [];
  if (input.cursor !== null && !saved.success)
    notes.push("the saved bookmark is not usable: starting afresh");

  // A message on which the connection broke gets a second try on a fresh one; see `takeMessages`.
  for (let suspect: number | undefined; ;) {
    const outcome = await withFolder(
      server,
      { baseDir, signal, folder },
      async (open): Promise<TakeOutcome> => {
        const plan = planLook(saved.data ?? null, open.folder, now.getTime(), account.firstSight);
        if (plan.kind === "nothing") return { cursor: plan.cursor };
        if (plan.kind === "take")
          return takeMessages({ server, input, open, plan, notes, suspect });
        const { exists } = open.folder;
        if (exists > 0)
          notes.push(`first look: ${countOf(exists)} already there left alone (firstSight "now")`);
        return { cursor: await rememberLeftAlone(open.client, plan.cursor, exists, now.getTime()) };
      },
    );
    if (outcome.cursor !== undefined) return { cursor: outcome.cursor, notes };
    suspect = outcome.suspect;
  }
}

interface Take {
  readonly server: ImapServer;
  readonly input: LookInput;
  readonly open: OpenFolder;
  readonly plan: Extract<LookPlan, { kind: "take" }>;
  readonly notes: string[];
  /** The UID on which the last connection broke. */
  readonly suspect: number | undefined;
}

type TakeOutcome =
  { readonly cursor: ImapCursor } | { readonly cursor?: undefined; readonly suspect: number };

/**
 * Takes messages one by one, oldest first. Stops at the bounds and where the connection breaks: what
 * was taken counts, the rest comes with the next look. A message that breaks the connection before
 * anything was taken is tried again on a new one, and set aside if that breaks too, so that no single
 * message can stand in the way of all later ones.
 */
async function takeMessages({
  server,
  input,
  open,
  plan,
  notes,
  suspect,
}: Take): Promise<TakeOutcome> {
  const { client, folder } = open;
  const { cursor } = plan;
  const started = performance.now();
  const candidates = await findCandidates(open, cursor);
  if (plan.reason === "first") {
    const older = folder.exists - candidates.length;
    if (older > 0) notes.push(`first look: ${countOf(older)} older than firstSight left alone`);
  }
  if (plan.reason === "renumbered") {
    notes.push(
      `the server renumbered its messages (UIDVALIDITY): ${countOf(candidates.length)} looked at again`,
    );
  }

  const stopBefore = (uid: number, left: number, why = ""): TakeOutcome => {
    if (left > 0) notes.push(`${why}${countOf(left)} more to come with the next look`);
    return { cursor: { ...cursor, nextUid: uid } };
  };
  const leftAlone = new Set(cursor.leftAlone);
  let taken = 0;
  for (const [index, uid] of candidates.entries()) {
    const left = candidates.length - index;
    // At least one, however slow the server: a look without progress would be repeated for ever.
    const late = index > 0 && performance.now() - started > lookBudgetMs;
    if (taken >= input.most || late) return stopBefore(uid, left);
    const setAside = (reason: string) => {
      const place = { uid, uidValidity: folder.uidValidity };
      input.onUnreadable({ place, arrivedAt: input.now.getTime(), reason });
      taken += 1;
    };
    let stored: StoredMessage | "withheld" | undefined;
    try {
      stored = await fetchMessage(client, uid, folder.uidValidity, input.now);
    } catch (error) {
      input.signal.throwIfAborted();
      const reason = reasonOf(error, secretsOf(server));
      if (!isConnectionLoss(error)) {
        setAside(reason);
        continue;
      }
      if (taken > 0) return stopBefore(uid, left, `connection lost (${reason}): `);
      if (suspect !== uid) return { suspect: uid };
      setAside(`the server breaks off when asked for it: ${reason}`);
      return stopBefore(uid + 1, left - 1);
    }
    if (stored === undefined) continue; // deleted in the meantime
    if (stored === "withheld") {
      setAside("the server does not hand it out");
    } else if (!leftAlone.has(digestHeaders(stored.source))) {
      await input.onMessage(stored);
      taken += 1;
    }
  }
  return { cursor: completed(cursor, folder.uidNext, input.now.getTime()) };
}

/** UIDs to take, ascending: of the backlog those that arrived late enough, of the rest all. */
async function findCandidates(
  { client, folder }: OpenFolder,
  cursor: ImapCursor,
): Promise<number[]> {
  const { backlog, nextUid } = cursor;
  const candidates: number[] = [];
  if (backlog !== null && nextUid < backlog.untilUid) {
    const uid = `${nextUid}:${backlog.untilUid - 1}`;
    // SEARCH SINCE knows only days, in the server's zone: ask a day more, then compare moments.
    const found = await searchUids(client, { uid, since: new Date(backlog.since - dayMs) });
    candidates.push(...(await arrivedSince(client, found, backlog.since)));
  }
  const newFrom = Math.max(nextUid, backlog?.untilUid ?? 0);
  if (newFrom < folder.uidNext) {
    // `N:*` always names the newest message, even one below N.
    const found = await searchUids(client, { uid: `${newFrom}:*` });
    candidates.push(
      ...found.filter((uid) => uid >= newFrom && uid < folder.uidNext).sort((a, b) => a - b),
    );
  }
  return candidates;
}

/**
 * A rescan goes by arrival times, whose grain is a second and whose clock is the server's. So the
 * messages left alone around the moment of the first look are remembered one by one.
 */
async function rememberLeftAlone(
  client: ImapFlow,
  cursor: ImapCursor,
  exists: number,
  nowMs: number,
): Promise<ImapCursor> {
  const floor = nowMs - clockSkewMs;
  if (exists === 0) return { ...cursor, floor };
  const recent = await newestSince(client, exists, mostLeftAlone + 1, floor);
  // Too many to remember: leave alone all that arrived up to the second of this look.
  if (recent.length > mostLeftAlone)
    return { ...cursor, floor: (Math.floor(nowMs / 1_000) + 1) * 1_000 };
  const heads = await fetchHeads(client, recent);
  return { ...cursor, floor, leftAlone: heads.map(digestHeaders) };
}

function countOf(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}
