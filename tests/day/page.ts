import { format, resolveConfig } from "prettier";
import { join } from "node:path";
import { formatDateTime, formatTimeOfDay } from "../../src/domain/zoned-time.ts";
import { checkout } from "../ground/miniature.ts";
import type { DayRecord } from "./life.ts";
import { mails } from "./mails.ts";
import { ownMeetings, teamMeetings } from "./meetings.ts";
import { planted } from "./planted.ts";
import { at, serviceNames, settings, standingOrders, timezone } from "./world.ts";

/** `docs/a-day.md`: the day as its owner would read it. */

export const pagePath = join(checkout, "docs", "a-day.md");

const clockOf = (moment: number): string => formatTimeOfDay(moment, timezone);
const usd = (amount: number): string => `$${amount.toFixed(4)}`;
const cell = (text: string): string => text.replace(/\s+/g, " ").replaceAll("|", "\\|").trim();
const row = (...cells: (string | number)[]): string =>
  `| ${cells.map((each) => cell(String(each))).join(" | ")} |`;
const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(...head), row(...head.map(() => "---")), ...rows].join("\n");
const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

export async function renderPage(day: DayRecord): Promise<string> {
  const parts = [
    introduction(day),
    "## The nine important things",
    plantedTable(day),
    "## What the owner wrote",
    ownersWords(day),
    "## What was told",
    `In its exact words. The quoted lines, with >, are a stranger's.`,
    ...day.told.map(({ at: when, text }, index) =>
      [
        `### ${index + 1}. At ${clockOf(when)}`,
        fenced("text", text.replace(/^\n+|\s+$/g, "")),
      ].join("\n\n"),
    ),
    "## What was held for the next digest",
    heldTable(day),
    "## The conversations",
    conversationTable(day),
    "## What it did",
    deeds(day),
    "## Hour by hour",
    timeline(day),
    "## The receipts",
    receipts(day),
  ];
  const options = await resolveConfig(pagePath);
  return format(`${parts.join("\n\n")}\n`, { ...options, parser: "markdown" });
}

function introduction({ told, runs, spend, beats }: DayRecord): string {
  const ofKind = (kind: string) => mails.filter((mail) => mail.kind === kind).length;
  const meetings = ownMeetings.length + teamMeetings.length + 1;
  return `# A day

A Tuesday in a small company that makes lamps: ${mails.length} mails (${ofKind("person")} from people, ${ofKind("newsletter")} newsletters, ${ofKind("machine")} from machines), ${meetings} meetings over two calendars, ${serviceNames.length} services with three incidents. Nine things among all these are important.

This page is written by a test, \`tests/day\`, which lives through the day and fails when the page says anything else. The daemon is the real one, and so are IMAP, SMTP, CalDAV and the sockets of the services; only the clock is moved by the test, and **the model is scripted**: it judges by rules as a sensible model would, knows nothing of the day, and its tokens are counted at four characters each and paid at list prices. How well a real model judges is not shown here. What is: when it is asked, how often, and what reaches the owner.

${table(
  ["", "wanted", "was"],
  [
    row("conversations with the model", "at most 12", runs.length),
    row("notifications, see below", "at most 8", told.length),
    row("important things told", 9, planted.filter((each) => whereTold(each, told) >= 0).length),
    row("newsletters told", 0, newslettersTold(told)),
    row("beats", "", beats.length),
    row("cost of the day", "", `${usd(spend.costUsd)}`),
  ],
)}

A notification is whatever reaches the owner on that day: interruptions, the digest, and the request for a word. Times are of ${timezone}.`;
}

export const whereTold = (
  { told: words }: (typeof planted)[number],
  told: DayRecord["told"],
): number => told.findIndex(({ text }) => words.test(text));

export const newslettersTold = (told: DayRecord["told"]): number =>
  mails.filter(
    ({ kind, subject }) => kind === "newsletter" && told.some(({ text }) => text.includes(subject)),
  ).length;

const plantedTable = ({ told }: DayRecord): string =>
  table(
    ["came", "what", "told"],
    planted.map((each) => {
      const index = whereTold(each, told);
      const found = told[index];
      return row(each.at, each.what, found ? `${clockOf(found.at)}, in ${index + 1}` : "not");
    }),
  );

function ownersWords({ shownSkills }: DayRecord): string {
  const config = JSON.stringify({ ...settings, skills: shownSkills }, null, 2).replace(
    /"((?:IMAP|SMTP|DAV)_PASSWORD)"/g,
    'secret("$1")',
  );
  return `The configuration, with names in the place of the test's ports on loopback:

${fenced("ts", `import { defineConfig, secret } from "watchkeeper";\n\nexport default defineConfig(${config.replace(/"(\w+)":/g, "$1:")});`)}

The standing orders, \`HEARTBEAT.md\`:

${fenced("md", standingOrders.trim())}

And one word in the course of the day: \`watchkeeper approve 1\`.

\`gather\` lets what is no more than a notice, such as mail from people, wait for others up to an hour: without it every look that finds some begins a conversation of its own.`;
}

const heldTable = ({ notifications }: DayRecord): string =>
  table(
    ["judged", "what"],
    notifications
      .filter(({ state }) => state === "held")
      .map(({ createdAt, title }) => row(clockOf(createdAt), title)),
  );

function conversationTable({ runs, spend }: DayRecord): string {
  const rows = runs.map((run, index) => {
    const calls = run.steps.filter(({ kind }) => kind === "tool");
    const words = calls.map(({ name, decision }) => `${name} (${decision ?? "?"})`);
    return row(
      index + 1,
      clockOf(run.startedAt),
      run.findings.length,
      words.join(", ") || "–",
      run.inputTokens,
      run.cachedTokens,
      run.outputTokens,
      usd(run.costUsd),
    );
  });
  const model = [...new Set(runs.map((run) => run.model))].join(", ");
  return `${table(["", "at", "findings", "tools it called", "tokens in", "of them cached", "tokens out", "cost"], rows)}

Together ${usd(spend.costUsd)} for ${spend.tokens} tokens, at the list prices of ${model}. A conversation over what came by itself ends with one call of \`report\`; one that calls a tool first makes two requests.`;
}

function deeds({ effects, approvals, sent }: DayRecord): string {
  const rows = effects.map(({ plannedAt, tool, approvalId, state, arguments: given }) =>
    row(
      clockOf(plannedAt),
      tool,
      [(given as { to?: unknown }).to].flat().join(", "),
      approvalId === null ? "by a grant" : `approved (${approvalId})`,
      state,
    ),
  );
  const [asked] = approvals;
  const answer = asked
    ? `Asked at ${clockOf(asked.createdAt)}, approved at ${clockOf(asked.decidedAt ?? 0)}. `
    : "";
  return `${table(["at", "tool", "to", "allowed", "outcome"], rows)}

${answer}The mail server took ${sent.length} mails.`;
}

interface Entry {
  readonly at: number;
  readonly what: string;
}

function timeline(day: DayRecord): string {
  const entries: Entry[] = [
    ...mails.map((mail, index) => ({
      at: at(mail.at),
      what: `Mail, ${mail.kind}: ${mail.from.replace(/ <.*/, "")}, “${mail.subject}” – ${fateOf(index, day)}`,
    })),
    ...day.events.map(({ at: when, words }) => ({ at: when, what: `**${words}**` })),
    ...day.runs.map((run, index) => ({
      at: run.startedAt,
      what: `_Conversation ${index + 1}, over ${run.findings.length} findings_`,
    })),
    ...day.told.map(({ at: when, text }, index) => ({
      at: when,
      what: `**Told, ${index + 1}:** ${text.trim().split("\n", 1)[0]?.replace(/^\S+ /, "") ?? ""}`,
    })),
  ];
  // Sorting is stable: at the same moment what came stands before what was made of it.
  const sorted = entries.toSorted((one, other) => one.at - other.at);
  return table(
    ["time", "what"],
    sorted.map(({ at: when, what }) => row(clockOf(when), what)),
  );
}

/** What became of a mail. */
function fateOf(index: number, { findings, notifications, told }: DayRecord): string {
  const key = `mail-${String(index).padStart(2, "0")}@`;
  const finding = findings.find(({ data }) => JSON.stringify(data).includes(key));
  if (!finding) return "ignored by a rule of the owner";
  const delivered = notifications.filter(({ state }) => state === "delivered");
  const where = delivered.findIndex((each) => each.findings.includes(finding.id));
  if (where >= 0 && told[where]) return `told in ${where + 1}`;
  if (finding.verdict === null) return "waits for the next conversation";
  return finding.verdict === "digest" ? "held for tomorrow's digest" : "left in the log";
}

function receipts({ beats }: DayRecord): string {
  const outcomes = Map.groupBy(beats, ({ outcome }) => outcome ?? "unfinished");
  const rows = [...outcomes].map(([outcome, those]) =>
    row(
      outcome,
      those.length,
      those.reduce((sum, { checks }) => sum + checks.length, 0),
      those.reduce((sum, { findings }) => sum + findings.length, 0),
      those.filter(({ runId }) => runId !== null).length,
      usd(those.reduce((sum, { costUsd }) => sum + costUsd, 0)),
    ),
  );
  const first = beats[0];
  return `${table(["outcome", "beats", "looks", "news of findings", "with a conversation", "cost"], rows)}

The first beat was at ${first ? formatDateTime(first.startedAt, timezone) : "?"}, the last one at ${clockOf(beats.at(-1)?.startedAt ?? 0)}; none was missed.`;
}
