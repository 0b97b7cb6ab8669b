import { visibleJson } from "../domain/canonical.ts";
import type { Finding } from "../domain/finding.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";
import { formatDateTime } from "../domain/zoned-time.ts";
import type { ApprovalRecord } from "../store/port.ts";
import type { StatusView } from "../views/status.ts";
import { html, type Html } from "./html.ts";

/** The pages: plain lists without a script. Everything that strangers wrote is escaped and plain. */

export interface HomePage {
  readonly status: StatusView;
  readonly findings: readonly Finding[];
  readonly approvals: readonly ApprovalRecord[];
  readonly timezone: string;
  readonly csrf: string;
}

export function homePage({ status, findings, approvals, timezone, csrf }: HomePage): string {
  const when = (at: number) => formatDateTime(at, timezone);
  const whenIso = (iso: string | null) => (iso === null ? "never" : when(Date.parse(iso)));
  return page(html`
    <header>
      <h1>Watchkeeper</h1>
      <form method="post" action="/logout">
        <input type="hidden" name="csrf" value="${csrf}" />
        <button>Leave</button>
      </form>
    </header>
    <p class="${status.healthy ? "well" : "ill"}">
      ${status.healthy ? "Healthy" : "Not healthy"}${status.paused ? ", paused" : ""}. Last beat
      ${whenIso(status.beat.last)}, next ${whenIso(status.beat.next)} (${timezone}).
    </p>
    ${status.problems.map((problem) => html`<p class="ill">${oneLine(problem, 500)}</p>`)}
    <h2>Waiting for your word</h2>
    ${
      approvals.length === 0
        ? html`<p>Nothing.</p>`
        : approvals.map((approval) => approvalPart(approval, csrf, when))
    }
    <h2>Open findings</h2>
    ${
      findings.length === 0
        ? html`<p>None.</p>`
        : html`<ul>
            ${findings.map((finding) => findingPart(finding, when))}
          </ul>`
    }
    <h2>Checks</h2>
    <ul>
      ${status.checks.map(
        ({ name, status: state, lastRunAt }) =>
          html`<li>
            <b class="${state}">${state}</b> ${oneLine(name, 200)}, last ${whenIso(lastRunAt)}
          </li>`,
      )}
    </ul>
  `);
}

function approvalPart(approval: ApprovalRecord, csrf: string, when: (at: number) => string): Html {
  const { id, tool, effect, reason, trust, argumentsHash, createdAt, expiresAt } = approval;
  const word = (action: "approve" | "deny", label: string) => html`
    <form method="post" action="/approvals/${id}/${action}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <input type="hidden" name="hash" value="${argumentsHash}" />
      <button class="${action}">${label}</button>
    </form>
  `;
  return html`
    <section>
      <h3>#${id} ${tool} (${effect})</h3>
      <pre dir="ltr">${visibleJson(approval.arguments)}</pre>
      <p>Asked ${when(createdAt)}, until ${when(expiresAt)}, because ${oneLine(reason, 500)}</p>
      ${
        trust === "untrusted"
          ? html`<p class="ill">
              Its run had read what a stranger could have written: read it with care.
            </p>`
          : null
      }
      ${word("approve", "Approve")} ${word("deny", "Deny")}
    </section>
  `;
}

function findingPart(finding: Finding, when: (at: number) => string): Html {
  const { id, severity, status, trust, check, title, text, changedAt } = finding;
  return html`<li>
    <b class="${severity}">${severity}</b> <span dir="auto">${oneLine(title, 300)}</span>
    <small
      >#${id}, ${check},
      ${when(changedAt)}${status === "open" ? "" : `, ${status}`}${trust === "untrusted" ? ", untrusted" : ""}</small
    >
    ${
      text === null
        ? null
        : html`<details>
            <summary>Text</summary>
            <pre dir="auto">${plainText(text, 20_000)}</pre>
          </details>`
    }
  </li>`;
}

export const loginPage = (wrong: boolean): string =>
  page(html`
    <h1>Watchkeeper</h1>
    ${wrong ? html`<p class="ill">That is not the token.</p>` : null}
    <form method="post" action="/login">
      <label
        >Token <input type="password" name="token" autocomplete="current-password" required
      /></label>
      <button>Enter</button>
    </form>
    <p><code>watchkeeper web token</code> prints it.</p>
  `);

/** Why something could not be done, with the way back. */
export const refusalPage = (why: string): string =>
  page(html`
    <h1>Watchkeeper</h1>
    <p class="ill">${oneLine(why, 1_000)}</p>
    <p><a href="/">Back</a></p>
  `);

/** The frame of every page. */
export const page = (body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Watchkeeper</title>
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        ${body}
      </body>
    </html>`.text;

export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 50rem; margin: 1rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
header { display: flex; justify-content: space-between; align-items: center; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } h3 { font-size: 1rem; }
ul { padding: 0; list-style: none; } li { padding: 0.4rem 0; }
small { display: block; opacity: 0.7; }
section { border: 1px solid; border-radius: 0.4rem; padding: 0 1rem 1rem; margin: 1rem 0; }
section form { display: inline; }
pre { white-space: pre-wrap; unicode-bidi: isolate; background: #8882; padding: 0.6rem; }
button { font: inherit; padding: 0.2rem 1rem; }
.ill, .critical, .blind { color: #c33; } .warning, .failing { color: #b60; } .well, .ok { color: #283; }
`;
