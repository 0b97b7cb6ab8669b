import { oneLine } from "../domain/plain-text.ts";
import { createScrub } from "../domain/scrub.ts";
import { DeliveryError } from "./delivery-error.ts";
import type { HttpAnswer, HttpRequest } from "./http-request.ts";

/** What an answer that is no success means for the message. */
export function refusalOf(
  { status, headers, text }: HttpAnswer,
  { channel, url, secrets }: HttpRequest,
  now: number,
): DeliveryError {
  const place = `notify.channels.${channel}`;
  const said = wordsOf(text, [...secrets, ...partsOf(url)]);
  const answer = `${status}${said && `: ${said}`}`;
  if (status >= 300 && status < 400) {
    return new DeliveryError("CHANNEL_REDIRECTED", `${channel}: ${url.host} sends us elsewhere`, {
      retryable: false,
      hint: `Redirects are not followed; write the address that it ends at into ${place}`,
    });
  }
  if (status === 429 || status === 503) {
    const retryAt =
      retryAfter(headers["retry-after"], now) ??
      (status === 429 ? bodyDelay(text, now) : undefined);
    return new DeliveryError("CHANNEL_BUSY", `${channel}: ${url.host} answered ${answer}`, {
      hint: "It takes no more just now; it is tried again later",
      ...(retryAt !== undefined && { retryAt }),
    });
  }
  if (status === 504) {
    return new DeliveryError(
      "CHANNEL_OUTCOME_UNKNOWN",
      `nobody knows whether ${channel} has it: ${url.host} answered ${answer}`,
      { outcome: "unknown", hint: "Look there before you send it again" },
    );
  }
  if (status >= 500 || status === 408 || status === 425) {
    return new DeliveryError("CHANNEL_SERVER_ERROR", `${channel}: ${url.host} answered ${answer}`, {
      hint: "The server has trouble of its own; it is tried again later",
    });
  }
  return new DeliveryError("CHANNEL_REFUSED", `${channel}: ${url.host} answered ${answer}`, {
    retryable: false,
    hint: hints[status]?.(place) ?? `Correct what it names in ${place}`,
  });
}

const hints: Readonly<Record<number, (place: string) => string>> = {
  401: (place) => `Check the login in ${place}`,
  403: (place) => `Check the login in ${place}, and whether it may write there`,
  404: (place) => `Check the address in ${place}: it may have been taken back`,
  410: (place) => `Check the address in ${place}: it was taken back`,
};

/** Longer than that nobody is let wait for a message. */
const longestWaitMs = 6 * 60 * 60_000;

const within = (now: number, ms: number): number => now + Math.min(Math.max(ms, 0), longestWaitMs);

/** Seconds, or a date. */
function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return within(now, Number(value) * 1_000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : within(now, at - now);
}

/** Telegram says it in the body. */
function bodyDelay(text: string, now: number): number | undefined {
  const parameters = record(record(parse(text))?.parameters);
  const seconds = parameters?.retry_after;
  return typeof seconds === "number" ? within(now, seconds * 1_000) : undefined;
}

/** What it says for people: of JSON the words alone, of a page nothing. */
function wordsOf(text: string, secrets: readonly string[]): string {
  if (text.trimStart().startsWith("<")) return "";
  const body = record(parse(text));
  const known = [body?.description, body?.error, body?.message, body?.detail];
  const words = known.find((value) => typeof value === "string") ?? (body ? "" : text);
  return oneLine(createScrub(secrets)(words), longestWords);
}

const longestWords = 200;

/** Servers repeat what they were asked for, and an address may be a secret from its path on. */
const partsOf = ({ pathname, search, searchParams }: URL): string[] =>
  [`${pathname}${search}`, pathname, ...pathname.split("/"), ...searchParams.values()].filter(
    ({ length }) => length >= shortestPart,
  );

const shortestPart = 12;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
