import fc from "fast-check";
import { expect, test } from "vitest";
import { cookieKind, csrfOf, newSession, sessionOf } from "./session.ts";

const token = "t".repeat(43);
const now = Date.parse("2026-11-26T12:00:00Z");
const weekMs = 7 * 24 * 60 * 60_000;
const kind = cookieKind(7373, undefined);
const cookieOf = (session: string) => `other=1; watchkeeper-7373=${session}; last=`;

test("a session is found among other cookies, and holds for a week", () => {
  const session = newSession(token, now);
  expect(sessionOf(cookieOf(session), kind, token, now)).toBe(session);
  expect(sessionOf(cookieOf(session), kind, token, now + weekMs - 1)).toBe(session);
  expect(sessionOf(cookieOf(session), kind, token, now + weekMs)).toBeUndefined();
});

test("one of a clock that was ahead holds no longer than others when that is set back", () => {
  const ahead = newSession(token, now + 365 * 24 * 60 * 60_000);
  expect(sessionOf(cookieOf(ahead), kind, token, now)).toBeUndefined();
  const slightly = newSession(token, now + 60_000);
  expect(sessionOf(cookieOf(slightly), kind, token, now)).toBe(slightly);
});

test("it holds for one token and for one watch", () => {
  const session = newSession(token, now);
  expect(sessionOf(cookieOf(session), kind, "u".repeat(43), now)).toBeUndefined();
  expect(sessionOf(cookieOf(session), cookieKind(7374, undefined), token, now)).toBeUndefined();
  expect(sessionOf(undefined, kind, token, now)).toBeUndefined();
});

test("no character of it can be changed", () => {
  const session = newSession(token, now);
  fc.assert(
    fc.property(fc.nat(session.length - 1), fc.constantFrom(..."aZ0_-. é"), (at, character) => {
      const changed = session.slice(0, at) + character + session.slice(at + 1);
      const found = sessionOf(cookieOf(changed), kind, token, now);
      expect(found).toBe(changed === session ? session : undefined);
    }),
  );
});

test("the mark of a form is the session's own, and neither is the other", () => {
  const session = newSession(token, now);
  expect(csrfOf(session, token)).not.toBe(csrfOf(newSession(token, now), token));
  expect(session).not.toContain(csrfOf(session, token));
});
