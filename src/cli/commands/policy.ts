import { visibleJson } from "../../domain/canonical.ts";
import { systemClock } from "../../domain/clock.ts";
import { decideToolCall, grantKey, type Decision, type Grant } from "../../domain/policy.ts";
import { createScrub } from "../../domain/scrub.ts";
import { suggestGrant } from "../../domain/suggest-grant.ts";
import { grantUsesToday, lookUpFacts, type Facts } from "../../effects/facts.ts";
import { exit, readStore, type CommandContext } from "../context.ts";
import { painterFor, quoted, wrap } from "../text.ts";
import { fitArguments, openTools, parseArguments } from "../tools.ts";

const policyOrigin = { idempotencyKey: "policy-explain", trust: "trusted", runId: null } as const;

/** What would be decided of a call, and why; nothing is called but the tool's own look-up of facts. */
export async function explainPolicy(
  context: CommandContext,
  name: string,
  options: { args: string; untrusted?: true },
): Promise<number> {
  const given = parseArguments(options.args);
  await using tools = await openTools(context);
  const { config } = tools;
  const tool = tools.get(name);
  const { input, effect } = fitArguments(tool, given, tool.asked?.input);
  const runReadUntrusted = options.untrusted ?? false;
  const grants = config.policy.grants.filter((grant) => grant.tool === name);
  const clock = systemClock;
  const { signal } = new AbortController();
  const known: Facts =
    effect === "read"
      ? { facts: {}, error: null }
      : await lookUpFacts(tool, input, policyOrigin, {
          clock,
          scrub: createScrub(config.secrets),
          signal,
        });
  await using store = readStore(context);
  const uses = store ?? { grantUses: () => Promise.resolve(0) };
  const call = {
    tool: name,
    effect,
    harmless: tool.definition.harmless === true,
    alwaysAsked: tool.asked !== undefined,
    arguments: input,
    facts: known.facts,
    runReadUntrusted,
    grants,
    usedToday: await grantUsesToday(grants, {
      store: uses,
      now: clock.now(),
      timezone: config.timezone,
    }),
  };
  const decision = decideToolCall(call);
  const view = {
    tool: name,
    arguments: input,
    effect,
    untrusted: runReadUntrusted,
    decision: decision.decision,
    reason: decision.reason,
    grant: decision.grant,
    usedToday: decision.grant ? (call.usedToday.get(grantKey(decision.grant)) ?? 0) : null,
    facts: known.facts ?? {},
    factsError: known.error,
    suggestedGrant: decision.decision === "allow" ? null : suggestGrant(call),
  };
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(render(view, context));
  return exit.done;
}

interface Explanation extends Pick<Decision, "decision" | "reason" | "grant"> {
  readonly tool: string;
  readonly effect: string;
  readonly untrusted: boolean;
  readonly usedToday: number | null;
  readonly facts: Readonly<Record<string, string>>;
  readonly factsError: string | null;
  readonly suggestedGrant: Grant | null;
}

const decisionWords = { allow: "allowed", ask: "asked of you", deny: "denied" } as const;
const decisionStyle = { allow: "green", ask: "yellow", deny: "red" } as const;

function render(view: Explanation, { out, environment }: CommandContext): string {
  const paint = painterFor(out, environment);
  const word = decisionWords[view.decision];
  const line = wrap(
    `${view.tool} (${view.effect}) is ${word}: ${quoted(view.reason)}`,
    out.columns,
    "  ",
  );
  const read = view.untrusted
    ? "in a run that has read what a stranger could have written"
    : "in a run that has read nothing of strangers; --untrusted shows the other";
  const lines = [
    line.replace(word, paint(decisionStyle[view.decision], word)),
    wrap(`  ${read}`, out.columns, "  "),
  ];
  for (const [name, value] of Object.entries(view.facts)) {
    lines.push(wrap(`  the tool found out: ${quoted(`${name} is ${value}`)}`, out.columns, "    "));
  }
  if (view.factsError !== null) {
    lines.push(wrap(`  its facts are not known: ${quoted(view.factsError)}`, out.columns, "    "));
  }
  if (view.grant) {
    const { maxPerDay } = view.grant;
    lines.push(
      `  ${view.usedToday} of ${maxPerDay} uses today; the grant:`,
      ...grantLines(view.grant),
    );
  }
  if (view.suggestedGrant) {
    lines.push("", "This grant, under policy.grants in the config, would allow it:");
    lines.push(...grantLines(view.suggestedGrant));
  }
  return `${lines.join("\n")}\n`;
}

/** A grant as it stands in the configuration. */
export const grantLines = (grant: Grant): string[] =>
  visibleJson(grant)
    .split("\n")
    .map((line) => `  ${line}`);
