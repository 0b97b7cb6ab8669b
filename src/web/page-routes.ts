import { giveWord } from "../effects/owner-word.ts";
import { readStatusView } from "../views/status.ts";
import { htmlPage, Refusal, seeOther } from "./answer.ts";
import { expectCsrf } from "./asker.ts";
import { readForm } from "./body.ts";
import { homePage, loginPage, style } from "./page.ts";
import type { Route, Visit, WebDependencies } from "./route.ts";
import { endedCookie, newSession, sessionCookie } from "./session.ts";
import { isSame, readToken } from "./token.ts";

/** The page and its forms. */

const mostShown = 100;

export function pageRoutes(dependencies: WebDependencies): Route[] {
  const { store, clock, version, timezone, stateDir, cookie, wake } = dependencies;
  const page = { access: "owner", speaks: "html" } as const;
  return [
    {
      ...page,
      method: "GET",
      path: /^\/$/,
      async handle({ asker }) {
        const now = clock.now();
        return htmlPage(
          homePage({
            status: await readStatusView(store, { version, now, running: true, timezone }),
            findings: await store.listFindings({ all: false, limit: mostShown }),
            approvals: (await store.listApprovals({ all: false, limit: mostShown })).filter(
              ({ expiresAt }) => expiresAt > now,
            ),
            timezone,
            csrf: asker.kind === "session" ? asker.csrf : "",
          }),
        );
      },
    },
    {
      ...page,
      method: "GET",
      path: /^\/style\.css$/,
      access: "open",
      handle: async () => ({
        status: 200,
        headers: { "content-type": "text/css; charset=utf-8" },
        body: style,
      }),
    },
    {
      ...page,
      method: "GET",
      path: /^\/login$/,
      access: "open",
      handle: async () => htmlPage(loginPage(false)),
    },
    {
      ...page,
      method: "POST",
      path: /^\/login$/,
      access: "open",
      async handle({ incoming }) {
        const given = (await readForm(incoming)).get("token")?.trim() ?? "";
        const token = readToken(stateDir);
        if (token === undefined || !isSame(given, token)) return htmlPage(loginPage(true), 401);
        const session = newSession(token, clock.now());
        return seeOther("/", { "set-cookie": sessionCookie(session, cookie) });
      },
    },
    {
      ...page,
      method: "POST",
      path: /^\/logout$/,
      async handle(visit) {
        await ownForm(visit);
        return seeOther("/login", { "set-cookie": endedCookie(cookie) });
      },
    },
    ...(["approve", "deny"] as const).map((action): Route => ({
      ...page,
      method: "POST",
      path: new RegExp(`^/approvals/([1-9]\\d{0,14})/${action}$`),
      async handle(visit) {
        const shownHash = (await ownForm(visit)).get("hash");
        if (!shownHash) throw new Refusal(400, "the form does not say which call was shown");
        const decision = action === "approve" ? "approved" : "denied";
        const given = { decision, note: null, at: clock.now(), shownHash } as const;
        await giveWord(store, Number(visit.name), given);
        wake();
        return seeOther("/");
      },
    })),
  ];
}

/** @throws Refusal when it is not a form of a page that we gave to this very browser */
async function ownForm({ incoming, asker }: Visit): Promise<URLSearchParams> {
  const form = await readForm(incoming);
  expectCsrf(asker, form.get("csrf"));
  return form;
}
