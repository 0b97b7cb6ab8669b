import { callHash } from "../domain/canonical.ts";
import { isWatchkeeperError } from "../domain/errors.ts";
import { isWordToken, wordToken, type WordTokenSubject } from "../domain/word-token.ts";
import { giveWord, statusAt } from "../effects/owner-word.ts";
import { wordPath } from "../notify/word-links.ts";
import type { ApprovalRecord } from "../store/port.ts";
import { htmlPage, Refusal, seeOther, type Answer } from "./answer.ts";
import { readForm } from "./body.ts";
import type { Route, Visit, WebDependencies } from "./route.ts";
import { askedPage, noSuchLink, settledPage } from "./word-page.ts";

/**
 * The owner's word from a link of a message. The token in the path is the authority, there is no session:
 * a `GET` shows, and only a `POST` of the page's own form decides, so that what merely looks at links, such as a
 * program that makes previews of them, decides nothing.
 */

/** A token that is tried in vain tells nothing, but whoever tries many is told to stop. */
const mostWrongPerMinute = 30;
const minuteMs = 60_000;

type Use = "approve" | "deny";

interface Link {
  readonly approval: ApprovalRecord;
  readonly use: Use;
  /** Its own path, and that of the other word. */
  readonly here: string;
  readonly other: string;
}

export function wordRoutes(dependencies: WebDependencies): Route[] {
  const { store, clock, log, timezone, wordSecret, wake } = dependencies;
  let wrongSince = 0;
  let wrong = 0;

  /** Whoever has a right link is never held up by those who guess. */
  function refuseLink(): Refusal {
    const now = clock.now();
    if (now - wrongSince >= minuteMs || now < wrongSince) [wrongSince, wrong] = [now, 0];
    wrong += 1;
    if (wrong <= mostWrongPerMinute) return new Refusal(404, noSuchLink);
    if (wrong === mostWrongPerMinute + 1) {
      log.warn({}, "somebody tries links of approvals that are none of ours");
    }
    const seconds = Math.ceil((wrongSince + minuteMs - now) / 1_000);
    return new Refusal(429, "too many wrong links; nothing was done", {
      "retry-after": String(seconds),
    });
  }

  /** @throws Refusal, the same for whatever is wrong with it */
  async function linkOf(path: string): Promise<Link> {
    const [, id = "0", token = ""] = /^([1-9]\d{0,14})\/(\w{1,64})$/.exec(path) ?? [];
    if (wordSecret === null) throw refuseLink();
    const approval = await store.getApproval(Number(id));
    const subject = (use: Use) => ({ ...subjectOf(approval), use });
    // Both are tried, and also where there is no such approval: the time that it takes tells nothing.
    const [approves, denies] = (["approve", "deny"] as const).map((use) =>
      isWordToken(token, wordSecret, subject(use)),
    );
    if (!approval || (!approves && !denies)) throw refuseLink();
    const pathOf = (use: Use) => wordPath(approval.id, wordToken(wordSecret, subject(use)));
    return approves
      ? { approval, use: "approve", here: pathOf("approve"), other: pathOf("deny") }
      : { approval, use: "deny", here: pathOf("deny"), other: pathOf("approve") };
  }

  async function show(link: Link, httpStatus = 200): Promise<Answer> {
    const { approval } = link;
    const now = clock.now();
    const status = statusAt(approval, now);
    if (status === "pending") {
      refuseChanged(approval);
      return htmlPage(askedPage({ ...link, timezone }), httpStatus);
    }
    const { effectId } = approval;
    const effect = effectId === null ? undefined : await store.getEffect(effectId);
    const pause = await store.pausedAt(now);
    return htmlPage(settledPage({ ...link, status, effect, pause, timezone }), httpStatus);
  }

  const route = {
    path: /^\/word\/(.*)$/,
    access: "open",
    speaks: "html",
    headers: {
      "x-robots-tag": "noindex, nofollow, noarchive",
      // The path is for nobody else, and yet the page's own form must say where it comes from.
      "referrer-policy": "strict-origin",
    },
  } as const;
  return [
    {
      ...route,
      method: "GET",
      handle: async ({ name }) => show(await linkOf(name)),
    },
    {
      ...route,
      method: "POST",
      async handle(visit) {
        const { approval, use, here } = await linkOf(visit.name);
        expectOwnPage(visit);
        const shownHash = (await readForm(visit.incoming)).get("hash");
        if (!shownHash) throw new Refusal(400, "the form does not say which call was shown");
        const at = clock.now();
        if (statusAt(approval, at) === "pending") refuseChanged(approval);
        const decision = use === "approve" ? "approved" : "denied";
        try {
          await giveWord(store, approval.id, { decision, note: null, at, shownHash });
        } catch (error) {
          if (!isTooLate(error)) throw error;
          // Said as the page says it: what was decided, when, and what came of it.
          return show(await linkOf(visit.name), 409);
        }
        wake();
        return seeOther(here);
      },
    },
  ];
}

/** Of no approval: a token for nothing. */
const subjectOf = (approval: ApprovalRecord | undefined): Omit<WordTokenSubject, "use"> => ({
  approvalId: approval?.id ?? 0,
  argumentsHash: approval?.argumentsHash ?? "",
  expiresAt: approval?.expiresAt ?? 0,
});

const isTooLate = (error: unknown): boolean =>
  isWatchkeeperError(error) &&
  (error.code === "APPROVAL_DECIDED" || error.code === "APPROVAL_EXPIRED");

/** The gate has turned away other origins; here one must be named, as every browser does with a form. */
function expectOwnPage({ incoming: { headersDistinct } }: Visit): void {
  const named = [headersDistinct.origin, headersDistinct["sec-fetch-site"]];
  if (named.every((values) => values === undefined)) {
    throw new Refusal(403, "the word counts only from the page that the link opens");
  }
}

/** What is shown and what the word is bound to must be one, whoever has been at the database. */
function refuseChanged(approval: ApprovalRecord): void {
  const { tool, toolVersion: version, arguments: given, argumentsHash } = approval;
  if (callHash({ tool, version, arguments: given }) !== argumentsHash) {
    throw new Refusal(
      409,
      `approval ${approval.id} is not the call that was asked any more; nothing was decided`,
    );
  }
}
