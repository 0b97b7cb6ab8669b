import { type ObservationInput, z } from "watchkeeper";
import { asksSomething } from "./asking.ts";
import { memoryOf } from "./conversations.ts";
import type { Message } from "./message.ts";
import { cleanLine } from "./plain-text.ts";

/** Questions that wait for an answer: the owner's to others, and others' to the owner. */

const question = z.object({
  /** The key of the message. */
  id: z.string(),
  /** Of its Message-ID, by which an answer names it. */
  memory: z.string(),
  /** Who has to answer. */
  waitsFor: z.enum(["others", "owner"]),
  at: z.number(),
  who: z.string(),
  subject: z.string(),
  /** When the mailbox was last asked whether it is marked as answered. */
  checkedAt: z.number(),
});
export type Question = z.output<typeof question>;

export const waitingState = z.object({
  questions: z.array(question),
  /** Messages that were answered, newest last: an answer may be seen before its question. */
  answered: z.array(z.string()),
});
export type WaitingState = z.output<typeof waitingState>;

export const nothingWaits: WaitingState = { questions: [], answered: [] };

export interface TimedMessage {
  readonly message: Message;
  readonly arrivedAt: number;
}

export interface WaitingInput {
  /** What came into the watched folders. */
  readonly incoming: readonly TimedMessage[];
  /** What came into the folder of sent mail. */
  readonly sent: readonly TimedMessage[];
  /** The owner's own. */
  readonly address: string;
  readonly waitMs: number;
  readonly now: number;
}

export interface Waited {
  readonly state: WaitingState;
  /** Waiting for longer than the owner wants. */
  readonly overdue: readonly Question[];
  /** Keys of findings that are over. */
  readonly gone: readonly string[];
}

const mostQuestions = 300;
const mostAnswered = 1_000;
/** A question that nobody answers is given up so long after it was told. */
const keptMs = 30 * 86_400_000;

export function track(before: WaitingState, input: WaitingInput): Waited {
  const { incoming, sent, waitMs, now } = input;
  // What a machine answers is no answer.
  const answers = [...incoming.filter(({ message }) => message.bulk === undefined), ...sent];
  const named = answers.flatMap(({ message }) => message.references.map(memoryOf));
  const answered = [...new Set([...before.answered, ...named])].slice(-mostAnswered);
  const isAnswered = new Set(answered);
  const known = new Set(before.questions.map(({ id }) => id));
  const asked = [
    ...before.questions,
    ...incoming.flatMap((each) => questionOf(each, "owner", input)),
    ...sent.flatMap((each) => questionOf(each, "others", input)),
  ].filter(({ id }, index) => index < before.questions.length || !known.has(id));
  const open = asked.filter(({ memory }) => !isAnswered.has(memory));
  const kept = open.filter(({ at }) => now < at + waitMs + keptMs).slice(-mostQuestions);
  const still = new Set(kept.map(({ id }) => id));
  return {
    state: { questions: kept, answered },
    overdue: kept.filter(({ at }) => at + waitMs <= now),
    gone: before.questions.filter(({ id }) => !still.has(id)).map(waitingKey),
  };
}

/** Takes questions out that turned out to be answered, and remembers which were asked for. */
export function withoutAnswered(
  { state, overdue, gone }: Waited,
  { answered, asked }: { answered: ReadonlySet<string>; asked: ReadonlySet<string> },
  now: number,
): Waited {
  const isOpen = ({ id }: Question) => !answered.has(id);
  return {
    state: {
      ...state,
      questions: state.questions
        .filter(isOpen)
        .map((each) => (asked.has(each.id) ? { ...each, checkedAt: now } : each)),
    },
    overdue: overdue.filter(isOpen),
    gone: [...gone, ...state.questions.filter((each) => !isOpen(each)).map(waitingKey)],
  };
}

function questionOf(
  { message, arrivedAt }: TimedMessage,
  waitsFor: Question["waitsFor"],
  { address }: WaitingInput,
): Question[] {
  const { key, messageId, subject, text, bulk, from, to, references } = message;
  const own = address.toLowerCase();
  const isOwn = (person: { address: string }) => person.address.toLowerCase() === own;
  const others = to.filter((person) => !isOwn(person));
  const concerns =
    waitsFor === "owner"
      ? from !== undefined && !isOwn(from) && to.some(isOwn) && bulk === undefined
      : others.length > 0;
  if (!concerns || messageId === "") return [];
  if (!asksSomething({ subject, text, isAnswer: references.length > 0 })) return [];
  const [person] = waitsFor === "owner" ? [from] : others;
  const who = cleanLine(person?.name || person?.address || "somebody", 100);
  const memory = memoryOf(messageId);
  const at = arrivedAt;
  return [{ id: key, memory, waitsFor, at, who, subject: subject.slice(0, 150), checkedAt: 0 }];
}

const waitingKey = ({ id }: Pick<Question, "id">): string => `waiting:${memoryOf(id)}`;

export function observeWaiting(
  { id, waitsFor, at, who, subject }: Question,
  waitMs: number,
): ObservationInput {
  const since = new Date(at);
  const about = subject || "(no subject)";
  const mine = waitsFor === "others";
  return {
    key: waitingKey({ id }),
    severity: "notice",
    trust: "untrusted",
    title: cleanLine(
      mine ? `No answer from ${who} yet: ${about}` : `${who} waits for your answer: ${about}`,
      200,
    ),
    text: [
      ...(mine ? [] : [`Id: ${id}`]),
      `${mine ? "Sent" : "Arrived"}: ${since.toISOString()}`,
      mine
        ? "The owner's mail asks something, and no answer to it has come."
        : "The mail asks something of the owner, and no answer to it was sent.",
    ].join("\n"),
    fingerprint: id,
    since,
    closesAt: new Date(at + waitMs + keptMs),
    data: { id, waitsFor, who, subject },
  };
}
