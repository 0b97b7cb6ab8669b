import { labelOf } from "./compose.ts";
import type { Message, MessageLink } from "./message.ts";

/** The words that channels share. */

/** `critical: api is down` */
export const headOf = ({ kind, severity, title }: Message): string =>
  `${labelOf(kind, severity)}: ${title}`;

export const whyOf = ({ why }: Message): string => `why now: ${why}`;

export const lineOf = ({ label, url }: MessageLink): string => `${label}: ${url}`;

/** Parts that have something to say, with an empty line between them. */
export const paragraphs = (...parts: readonly string[]): string =>
  parts.filter(Boolean).join("\n\n");

/** A message for programs. What proves a reply stays out of it: nobody can reply there. */
export const messageData = (message: Message) => {
  const { key, kind, severity, title, body, why, at, thread, links } = message;
  return { key, kind, severity, title, body, why, at: new Date(at).toISOString(), thread, links };
};
