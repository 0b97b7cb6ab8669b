import type { Severity } from "../domain/finding.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";
import type { NotificationRecord } from "../store/port.ts";

/** One message to the owner as a channel is given it: plain text, without anything that a client could fetch by itself. */
export interface Message {
  /** Names the delivery: the same for every attempt, another for every channel. */
  readonly key: string;
  readonly kind: NotificationRecord["kind"];
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  readonly body: string;
  /** Why it is told, and why now. */
  readonly why: string;
  /** When it was composed, in milliseconds. */
  readonly at: number;
  /** What it is about: messages about the same trouble share it, so that mail programs show one thread. */
  readonly thread: string;
  /** Pages of the daemon's own that the owner may open: a GET shows, and nothing more. */
  readonly links: readonly MessageLink[];
  /** What a reply must bear to count as the owner's word; null where none is asked. */
  readonly replyToken: string | null;
}

export interface MessageLink {
  /** Such as `Approve`. */
  readonly label: string;
  readonly url: string;
}

export interface MessageExtras {
  readonly links: readonly MessageLink[];
  readonly replyToken: string | null;
}

export const noExtras: MessageExtras = { links: [], replyToken: null };

const longestTitle = 300;
const longestBody = 50_000;
const longestWhy = 1_000;

export function messageOf(
  { id, kind, severity, title, body, why, createdAt, findings }: NotificationRecord,
  { key, extras = noExtras }: { readonly key: string; readonly extras?: MessageExtras },
): Message {
  const [first] = findings;
  return {
    key,
    kind,
    severity,
    title: oneLine(title, longestTitle),
    body: plainText(body, longestBody),
    why: oneLine(why, longestWhy),
    at: createdAt,
    thread: kind === "digest" || first === undefined ? `notification-${id}` : `finding-${first}`,
    ...extras,
  };
}
