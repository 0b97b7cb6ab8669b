import {
  callTools,
  report,
  type RecordedRequest,
  type ReplyMaker,
  type ScriptedMessage,
  type ScriptedToolCall,
  type ScriptedUsage,
  type ScriptedVerdict,
} from "watchkeeper/testing";

/**
 * What a sensible model would make of what it is shown, written as rules: it goes by severity, by the
 * lines that the skills write (`Bulk:`, `Vip:`, `Rule:`), by who a mail is from and what it asks, and by
 * the standing orders. It knows nothing of the day.
 */

interface ShownFinding {
  readonly id: string;
  readonly skill: string;
  readonly check: string;
  readonly state: string;
  readonly severity: string;
  readonly title: string;
  readonly text: string;
}

type Word = Omit<ScriptedVerdict, "findingId">;

export const judgement: ReplyMaker = (request) => {
  const findings = shownFindings(request);
  const today = /<time>(\w+ \d+ \w+)/.exec(textsOf(request))?.[1] ?? "";
  const isFirst = !request.body.messages.some(({ role }) => role === "assistant");
  const calls = isFirst ? [...probes(findings), ...letters(findings)] : [];
  return withUsage(request, (usage) =>
    calls.length > 0
      ? callTools(calls, { usage })
      : report(
          {
            verdicts: findings.map((each) => verdictOn(each, today)),
            summary: summaryOf(findings),
          },
          { usage },
        ),
  );
};

const verdictOn = (finding: ShownFinding, today: string): ScriptedVerdict => ({
  findingId: finding.id,
  ...wordOn(finding, today),
});

function wordOn(finding: ShownFinding, today: string): Word {
  if (finding.skill === "services") return onService(finding);
  if (finding.skill === "calendar") return onCalendar(finding, today);
  return finding.skill === "inbox" ? onMail(finding) : { verdict: "digest" };
}

function onService({ check, state }: ShownFinding): Word {
  const name = check.slice(check.indexOf("/") + 1);
  if (state === "resolved") return { verdict: "digest", message: `${name} answers again.` };
  const message =
    name === "router"
      ? "The office is off line: whatever hangs on the router cannot be reached. I have written to the team."
      : `I asked ${name} again just now, and it still fails.`;
  return { verdict: "notify", message };
}

function onCalendar({ title, severity }: ShownFinding, today: string): Word {
  // The standing orders: no reminders.
  if (title.startsWith("Starting soon") || title.startsWith("Has begun")) {
    return { verdict: "ignore" };
  }
  if (/^Today: /.test(title)) return { verdict: "notify" };
  if (title.startsWith("Moved") && severity === "warning") {
    return { verdict: "notify", message: "The new time holds; see whether you can make it." };
  }
  if (/^(Invitation|Overlapping)/.test(title) && title.includes(today)) {
    return { verdict: "notify" };
  }
  return { verdict: "digest" };
}

const serious = /expire|payment failed|security|password|breach/i;
const deadline = /\b(?:by|before) (?:noon|\d{1,2}:\d\d|tonight|today)\b/i;

function onMail({ title, text, severity }: ShownFinding): Word {
  const line = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1];
  const wanted = deadline.exec(text)?.[0];
  if (severity === "warning" || severity === "critical") {
    const message = line("Vip") && wanted ? `She wants your answer ${wanted}.` : undefined;
    return { verdict: "notify", ...(message !== undefined && { message }) };
  }
  if (line("Bulk") !== undefined) {
    return { verdict: serious.test(title) ? "digest" : "ignore" };
  }
  if (wanted !== undefined) {
    return { verdict: "notify", message: `They want your answer ${wanted}.` };
  }
  return { verdict: text.includes("?") ? "digest" : "ignore" };
}

/** Before it tells of a service it asks it once more. */
const probes = (findings: readonly ShownFinding[]): ScriptedToolCall[] =>
  findings
    .filter(({ skill, state }) => skill === "services" && state !== "resolved")
    .map(({ check }) => ({
      name: "services_probe",
      input: { target: check.slice(check.indexOf("/") + 1) },
    }));

/** The standing orders name two letters that it may write. */
function letters(findings: readonly ShownFinding[]): ScriptedToolCall[] {
  return findings.flatMap(({ skill, check, state, text }): ScriptedToolCall[] => {
    if (check === "services/router" && state !== "resolved") {
      const input = {
        to: ["team@northlight.example"],
        subject: "The office network is down",
        text: "The router does not answer. Please work from elsewhere until we write again.",
      };
      return [{ name: "inbox_send", input }];
    }
    const from = /^From: .*<(.*)>$/m.exec(text)?.[1];
    const id = /^Id: (.*)$/m.exec(text)?.[1];
    if (skill !== "inbox" || from !== "claire.dumont@tidewater.example" || !text.includes("?")) {
      return [];
    }
    const input = {
      to: [from],
      subject: `Re: ${/^Subject: (.*)$/m.exec(text)?.[1] ?? ""}`,
      text: "Dear Claire,\nyes, you will have it in time.\nRobin",
      ...(id !== undefined && { inReplyTo: id }),
    };
    return [{ name: "inbox_send", input }];
  });
}

const summaryOf = (findings: readonly ShownFinding[]): string =>
  findings.length === 1 ? "1 finding judged" : `${findings.length} findings judged`;

/** What the user's messages of the conversation say. */
const textsOf = ({ body }: RecordedRequest): string =>
  body.messages
    .filter(({ role }) => role === "user")
    .flatMap(({ content }) =>
      typeof content === "string"
        ? [content]
        : content.map((block) => (block.type === "text" ? block.text : "")),
    )
    .join("\n");

function shownFindings(request: RecordedRequest): ShownFinding[] {
  return [...textsOf(request).matchAll(/<finding ([^>]*)>([^]*?)<\/finding>/g)].map(
    ([, head = "", body = ""]) => {
      const attribute = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(head)?.[1] ?? "";
      const text = unescaped(body);
      return {
        id: attribute("id"),
        skill: attribute("skill"),
        check: attribute("check"),
        state: attribute("state"),
        severity: attribute("severity"),
        title: text.split("\n", 1)[0] ?? "",
        text,
      };
    },
  );
}

const unescaped = (text: string): string =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

/**
 * Tokens at four characters each, a number as one, whatever the ports and milliseconds are. The first call of a conversation writes the prefix to the cache, as
 * after a long pause; its later calls read it.
 */
function withUsage(
  { body }: RecordedRequest,
  reply: (usage: ScriptedUsage) => ScriptedMessage,
): ScriptedMessage {
  const tokens = (value: unknown) =>
    Math.ceil(JSON.stringify(value).replace(/\d+/g, "0").length / 4);
  const prefix = tokens([body.system, body.tools]);
  const isFirst = !body.messages.some(({ role }) => role === "assistant");
  const keptForAnHour = JSON.stringify(body.system ?? "").includes('"ttl":"1h"');
  const cached = !isFirst
    ? { cacheReadTokens: prefix }
    : keptForAnHour
      ? { cacheWriteHourTokens: prefix }
      : { cacheWriteTokens: prefix };
  const outputTokens = tokens(reply({}).content);
  return reply({ inputTokens: tokens(body.messages), outputTokens, ...cached });
}
