import type {
  CheckDefinition,
  NotificationMail,
  ObservationInput,
  ObserveInput,
  ObserveResult,
} from "watchkeeper";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type AccountCursor, readCursor, remember } from "./account-cursor.ts";
import { groupConversations, memoryOf, type NewMessage } from "./conversations.ts";
import { type ForDaemon, isForDaemon, notesOf } from "./daemon-mail.ts";
import {
  type FolderTrouble,
  folderKey,
  isTelling,
  observeFolderTrouble,
} from "./folder-trouble.ts";
import { identifyMessage } from "./identity.ts";
import { isLoginRefusal } from "./login-check.ts";
import type { Mailbox, StoredMessage } from "./mailbox.ts";
import { parseWhole } from "./message.ts";
import { excerptLength, observeMessages, observeUnreadable } from "./observation.ts";
import type { OwnMail } from "./own-mail.ts";
import { ruleActions } from "./rule-actions.ts";
import { judge, type OwnerWords } from "./rules.ts";
import { lookForWaiting, type WaitingAccount, type WaitingLook } from "./waiting-look.ts";
import { vipSender } from "./vip-sender.ts";

/** An account as its check sees it. */
export interface WatchedAccount {
  readonly name: string;
  readonly every: string;
  /** At least one. */
  readonly folders: readonly { readonly name: string; readonly mailbox: Mailbox }[];
  readonly own: OwnMail | undefined;
  readonly words: OwnerWords;
  readonly authservId: string | undefined;
  readonly notificationMail: NotificationMail;
  /** Called when the server refuses the login. */
  readonly onRefusal: () => void;
  /** Undefined when the owner does not want to hear of unanswered mail. */
  readonly waiting: WaitingAccount | undefined;
}

/**
 * The check of one account: what came is judged by the owner's rules and becomes a finding, one for
 * all new messages of a conversation; but for our own mail.
 */
export function accountCheck(account: WatchedAccount): CheckDefinition {
  return {
    every: account.every,
    timeout: "60s",
    observe: (input) => look(account, input),
  };
}

/** What one look gathers from all folders. */
interface Gathered {
  readonly messages: NewMessage[];
  readonly observations: ObservationInput[];
  readonly perhapsOurs: string[];
  readonly unreadable: string[];
  readonly notes: string[];
  readonly forDaemon: ForDaemon;
}

const mostNotes = 20;
const nothingSaved = { sent: null, state: null };
/** From all folders together. */
const messagesPerLook = 200;

/** The daemon takes at most 200 actions of a look, and a rule may want two for a message. */
const mostPerLook = ({ rules }: OwnerWords): number =>
  rules.some(({ label, archive }) => label !== undefined && archive)
    ? messagesPerLook / 2
    : messagesPerLook;

async function look(account: WatchedAccount, input: ObserveInput): Promise<ObserveResult> {
  const { folders, own } = account;
  const saved = readCursor(input.cursor, folders[0]?.name ?? "");
  const gathered: Gathered = {
    messages: [],
    observations: [],
    perhapsOurs: [],
    unreadable: [],
    notes: [],
    forDaemon: { notifications: 0, answers: [] },
  };
  const { moved, troubles } = await lookAtFolders(account, saved, input, gathered);
  const { signal, now } = input;
  const ours = (await own?.confirm(gathered.perhapsOurs, { signal, now })) ?? new Set();
  const fresh = withoutRepeats(gathered.messages, saved.told).filter(
    ({ message }) => !ours.has(message.key),
  );
  const kept = fresh.filter(({ judgement }) => judgement.ignore !== true);
  const conversations = groupConversations(kept).map((messages) => ({
    messages,
    observation: observeMessages(messages, now),
  }));
  const told = remember(
    saved.told,
    fresh.map(({ message }) => message.key),
  );
  const actions = ruleActions(account.name, kept);
  const waited =
    account.waiting &&
    (await lookForWaiting(account.waiting, saved.waiting ?? nothingSaved, kept, input));
  const cursor = nextCursor(saved, { folders, moved, troubles, told, waiting: waited?.saved });
  const gone = [...goneTroubles(saved, troubles), ...(waited?.gone ?? [])];
  return {
    observations: [
      ...conversations.map(({ observation }) => observation),
      ...gathered.observations,
      ...(waited?.observations ?? []),
      ...troubles.filter(isTelling).map((trouble) => observeFolderTrouble(account.name, trouble)),
    ],
    ...(cursor && { cursor }),
    ...(actions.length > 0 && { actions }),
    ...(gone.length > 0 && { gone }),
    notes: [
      ...gathered.notes,
      ...notesOf(gathered.forDaemon),
      ...ignoredNotes(fresh),
      ...troubles.map(({ folder, reason }) => `folder ${folder} was not looked at: ${reason}`),
      ...(waited?.notes ?? []),
      ...gathered.unreadable.slice(0, mostNotes),
    ],
  };
}

/**
 * One folder after the other. One that cannot be looked at does not stand in the way of the others;
 * when none can, the look has failed.
 */
async function lookAtFolders(
  account: WatchedAccount,
  saved: AccountCursor,
  { signal, now }: ObserveInput,
  gathered: Gathered,
): Promise<{ moved: Map<string, unknown>; troubles: FolderTrouble[] }> {
  const { folders, own, name, words, authservId, onRefusal } = account;
  const { messages, observations, perhapsOurs, unreadable, notes } = gathered;
  const addUnreadable = (observation: ObservationInput) => {
    observations.push(observation);
    unreadable.push(observation.title);
  };
  const moved = new Map<string, unknown>();
  const troubles: FolderTrouble[] = [];
  let firstError: unknown;
  let notAsked: { readonly error: unknown } | undefined;
  for (const { name: folder, mailbox } of folders) {
    try {
      const result = await mailbox.look({
        cursor: saved.folders[folder] ?? null,
        most: Math.max(1, Math.floor(mostPerLook(words) / folders.length)),
        now,
        signal,
        onMessage: async (stored) => {
          const read = await readStored(stored, now);
          // Between two messages the rest of the daemon has its turn.
          await nextTurn();
          if ("unreadable" in read) return addUnreadable(read.unreadable);
          const { message } = read;
          try {
            if (await isForDaemon(read, stored, account, gathered.forDaemon)) return;
          } catch (error) {
            // Not known is not seen: the look fails, and meets the message again.
            notAsked ??= { error };
            return;
          }
          const sender = vipSender(stored.source, message, authservId);
          const judgement = judge(message, name, words, sender);
          const { arrivedAt, place } = stored;
          if (own?.mayBeOurs(message)) perhapsOurs.push(message.key);
          // The headers were for the rules; a look may hold hundreds of messages.
          messages.push({
            message: { ...message, headers: [] },
            arrivedAt,
            place,
            folder,
            judgement,
          });
        },
        onUnreadable: (message) => addUnreadable(observeUnreadable(message, now)),
      });
      if (notAsked !== undefined) break;
      const where = folders.length > 1 ? `${folder}: ` : "";
      notes.push(...result.notes.map((note) => `${where}${note}`));
      moved.set(folder, result.cursor);
    } catch (error) {
      signal.throwIfAborted();
      firstError ??= error;
      troubles.push({ folder, failures: (saved.failures[folder] ?? 0) + 1, ...describe(error) });
    }
  }
  if (notAsked !== undefined) throw notAsked.error;
  if (isLoginRefusal(firstError)) onRefusal();
  if (moved.size === 0) throw firstError;
  return { moved, troubles };
}

async function readStored(stored: StoredMessage, now: Date) {
  try {
    return await parseWhole(stored, excerptLength);
  } catch (error) {
    const { place, arrivedAt, size } = stored;
    const { key } = identifyMessage(stored.source, size);
    const { reason } = describe(error);
    return { unreadable: observeUnreadable({ place, arrivedAt, reason, key, size }, now) };
  }
}

// The same message delivered twice, such as directly and through a list, is one thing; and so is one
// that was told before and is shown again.
function withoutRepeats(messages: readonly NewMessage[], told: readonly string[]): NewMessage[] {
  const known = new Set(told);
  const unique = new Map(messages.map((each) => [each.message.key, each]));
  return [...unique.values()].filter(({ message }) => !known.has(memoryOf(message.key)));
}

function nextCursor(
  saved: AccountCursor,
  {
    folders,
    moved,
    troubles,
    told,
    waiting,
  }: {
    folders: WatchedAccount["folders"];
    moved: ReadonlyMap<string, unknown>;
    troubles: readonly FolderTrouble[];
    told: string[];
    waiting: WaitingLook["saved"] | undefined;
  },
): AccountCursor | undefined {
  const bookmarks = folders.flatMap(({ name }) => {
    const bookmark = moved.get(name) ?? saved.folders[name];
    return bookmark === undefined ? [] : [[name, bookmark] as const];
  });
  const failures = Object.fromEntries(troubles.map(({ folder, failures }) => [folder, failures]));
  const isSame =
    [...moved.values()].every((bookmark) => bookmark === undefined) &&
    told.length === saved.told.length &&
    JSON.stringify([failures, waiting]) === JSON.stringify([saved.failures, saved.waiting]);
  return isSame
    ? undefined
    : {
        ...{ version: 2 as const, folders: Object.fromEntries(bookmarks), failures, told },
        ...(waiting && { waiting }),
      };
}

/** Folders that failed at the last look and did not now, or that are watched no longer. */
function goneTroubles(saved: AccountCursor, troubles: readonly FolderTrouble[]): string[] {
  const still = new Set(troubles.map(({ folder }) => folder));
  return Object.keys(saved.failures)
    .filter((folder) => !still.has(folder))
    .map(folderKey);
}

function ignoredNotes(messages: readonly NewMessage[]): string[] {
  const counts = new Map<string, number>();
  for (const { judgement } of messages) {
    const { rule = "", ignore } = judgement;
    if (ignore) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  return [...counts].map(
    ([rule, count]) => `${count === 1 ? "1 message" : `${count} messages`} ignored by rule ${rule}`,
  );
}

function describe(error: unknown): { code: string; reason: string } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return { code, reason: error instanceof Error ? error.message : String(error) };
}
