import type { IncomingMessage } from "node:http";
import { Refusal } from "./answer.ts";
import type { WebDependencies } from "./route.ts";
import { csrfOf, sessionOf } from "./session.ts";
import { isSame, readToken } from "./token.ts";

/** Who asks, as far as it is proven. */
export type Asker =
  | { readonly kind: "nobody" }
  | { readonly kind: "bearer" }
  /** A browser: it sends its cookie with whatever a page makes it send, so changes need `csrf` too. */
  | { readonly kind: "session"; readonly csrf: string };

export function askerOf(
  { headers }: IncomingMessage,
  { stateDir, cookie, clock }: Pick<WebDependencies, "stateDir" | "cookie" | "clock">,
): Asker {
  const nobody: Asker = { kind: "nobody" };
  if (headers.authorization === undefined && headers.cookie === undefined) return nobody;
  const token = readToken(stateDir);
  if (token === undefined) return nobody;
  if (headers.authorization !== undefined) {
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization)?.[1];
    return given !== undefined && isSame(given, token) ? { kind: "bearer" } : nobody;
  }
  const session = sessionOf(headers.cookie, cookie, token, clock.now());
  return session === undefined ? nobody : { kind: "session", csrf: csrfOf(session, token) };
}

/** @throws Refusal when a browser's change does not carry what only our own page knows */
export function expectCsrf(asker: Asker, given: string | null | undefined): void {
  if (asker.kind === "session" && !isSame(given ?? "", asker.csrf)) {
    throw new Refusal(403, "the form was not ours, or is too old; load the page again");
  }
}
