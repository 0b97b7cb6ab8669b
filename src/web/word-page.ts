import { visibleJson } from "../domain/canonical.ts";
import { effectWords } from "../domain/effect-words.ts";
import { oneLine } from "../domain/plain-text.ts";
import { formatDateTime } from "../domain/zoned-time.ts";
import type { ApprovalRecord, EffectRecord, PauseRecord } from "../store/port.ts";
import { outcomeWords } from "../views/approval.ts";
import { html, type Html } from "./html.ts";
import { page } from "./page.ts";

/** The pages that the links of a message lead to. They show; only their one button decides. */

export interface AskedPage {
  readonly approval: ApprovalRecord;
  readonly use: "approve" | "deny";
  /** Where the form goes, and where the other word is given. */
  readonly here: string;
  readonly other: string;
  readonly timezone: string;
}

export function askedPage({ approval, use, here, other, timezone }: AskedPage): string {
  const { tool, effect, reason, trust, runId, argumentsHash, createdAt, expiresAt } = approval;
  const when = (at: number) => `${formatDateTime(at, timezone)} (${timezone})`;
  const approves = use === "approve";
  return page(html`
    <h1>${approves ? "Approve" : "Deny"} ${tool}?</h1>
    <p>This is all of what would be done (${effect}: ${effectWords[effect]}):</p>
    <pre dir="ltr">${visibleJson(approval.arguments)}</pre>
    <p>
      Asked ${when(createdAt)}${runId === null ? "" : ` by run ${runId}`}, because
      ${oneLine(reason, 500)}
    </p>
    ${
      trust === "untrusted"
        ? html`<p class="ill">
            Untrusted: the run had read what a stranger could have written. Read it with care.
          </p>`
        : html`<p>Trusted: the run had read nothing of strangers.</p>`
    }
    <p>It waits until ${when(expiresAt)}; after that it is not done.</p>
    <form method="post" action="${here}">
      <input type="hidden" name="hash" value="${argumentsHash}" />
      <button class="${use}">${approves ? "Approve this" : "Deny"}</button>
    </form>
    <p><a href="${other}">${approves ? "Deny it instead" : "Approve it instead"}</a></p>
    <p><small>Approval ${approval.id}. Nothing is decided by looking at this page.</small></p>
  `);
}

export interface SettledPage {
  readonly approval: ApprovalRecord;
  readonly status: Exclude<ApprovalRecord["status"], "pending">;
  readonly effect: EffectRecord | undefined;
  readonly pause: PauseRecord | null;
  readonly here: string;
  readonly timezone: string;
}

/** What a link says once its time is over. The arguments are not shown any more: the link may lie about for years. */
export function settledPage(settled: SettledPage): string {
  const { approval, status, effect, pause, here, timezone } = settled;
  const { id, tool, decidedAt, expiresAt } = approval;
  const at = formatDateTime(status === "expired" ? expiresAt : (decidedAt ?? expiresAt), timezone);
  const words: Readonly<Record<typeof status, string>> = {
    approved: `${tool} was approved`,
    denied: `${tool} was denied`,
    expired: `The time for ${tool} is over`,
  };
  return page(html`
    <h1>${words[status]}</h1>
    <p>Approval ${id}, ${status} ${at} (${timezone}).</p>
    ${status === "approved" ? outcomePart(tool, effect, pause) : html`<p>Nothing was done.</p>`}
    ${
      status === "expired"
        ? html`<p>It is asked again when it still matters.</p>`
        : html`<p>This link can decide nothing more. <a href="${here}">Look again</a></p>`
    }
  `);
}

function outcomePart(
  tool: string,
  effect: EffectRecord | undefined,
  pause: PauseRecord | null,
): Html {
  if (!effect) {
    return html`<p>
      ${
        pause === null
          ? "It is about to be carried out."
          : "Watchkeeper is paused: it is carried out after `watchkeeper resume`."
      }
    </p>`;
  }
  const went = effect.state === "failed" || effect.state === "unknown" || effect.error !== null;
  const said = `${tool} ${outcomeWords(effect)}`;
  return html`
    <p class="${went ? "ill" : "well"}">${said}.</p>
    ${effect.error === null ? null : html`<p>${oneLine(effect.error, 500)}</p>`}
  `;
}

/** One answer for whatever is no link of ours, so that nobody learns why. */
export const noSuchLink =
  "this link is none of ours, or its approval is no more what it was made for; nothing was done. `watchkeeper approvals` shows what waits for your word";
