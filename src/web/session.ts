import { createHmac, randomBytes } from "node:crypto";
import { isSame } from "./token.ts";

/**
 * Sessions of the browser: a cookie that says until when it holds, signed with the owner's token. So
 * nothing is kept here, a restart ends none, and a new token ends all.
 */

const lifeMs = 7 * 24 * 60 * 60_000;
/** Clocks are put right by some minutes without anybody having to log in again. */
const toleranceMs = 60 * 60_000;

export interface CookieKind {
  readonly name: string;
  readonly secure: boolean;
}

/** Cookies do not tell ports apart: the name does, so that two watches on one machine can. */
export function cookieKind(port: number, publicUrl: string | undefined): CookieKind {
  const secure = publicUrl?.startsWith("https:") ?? false;
  return { name: secure ? "__Host-watchkeeper" : `watchkeeper-${port}`, secure };
}

export function newSession(token: string, now: number): string {
  const claim = `${(now + lifeMs).toString(36)}.${randomBytes(16).toString("base64url")}`;
  return `${claim}.${sign(token, `session ${claim}`)}`;
}

/** The session that the request's cookies name, if it is ours and still holds. */
export function sessionOf(
  cookies: string | undefined,
  { name }: CookieKind,
  token: string,
  now: number,
): string | undefined {
  return cookies
    ?.split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
    .find((session) => holds(session, token, now));
}

function holds(session: string, token: string, now: number): boolean {
  const [, claim, until, signature] =
    /^(([0-9a-z]{1,12})\.[\w-]{22})\.([\w-]{43})$/.exec(session) ?? [];
  if (claim === undefined || until === undefined || signature === undefined) return false;
  const left = parseInt(until, 36) - now;
  // One that would hold for longer than any was given by a clock that was set back since.
  const isPlausible = left > 0 && left <= lifeMs + toleranceMs;
  return isSame(signature, sign(token, `session ${claim}`)) && isPlausible;
}

/** What every form of a session carries: a stranger's page cannot know it. */
export const csrfOf = (session: string, token: string): string => sign(token, `csrf ${session}`);

export const sessionCookie = (session: string, { name, secure }: CookieKind): string =>
  `${name}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${lifeMs / 1_000}${secure ? "; Secure" : ""}`;

export const endedCookie = ({ name, secure }: CookieKind): string =>
  `${name}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0${secure ? "; Secure" : ""}`;

const sign = (token: string, text: string): string =>
  createHmac("sha256", token).update(text).digest("base64url");
