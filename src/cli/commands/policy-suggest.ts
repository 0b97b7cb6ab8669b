import { z } from "zod";
import type { ResolvedConfig } from "../../config/load.ts";
import { ConfigError } from "../../domain/errors.ts";
import {
  earnedGrants,
  type EarnedGrant,
  type StandingTool,
  type UnearnedGrant,
} from "../../domain/earned-grant.ts";
import type { LoadedTool } from "../../skills/load.ts";
import type { StoreReader } from "../../store/index.ts";
import { isoTime } from "../../views/time.ts";
import { exit, parseDays, readStore, type CommandContext } from "../context.ts";
import { idRanges, painterFor, plural, quoted, shortTime, wrap } from "../text.ts";
import { openTools } from "../tools.ts";
import { grantLines } from "./policy.ts";

const day = 86_400_000;
const mostCalls = 10_000;

/** Grants that the owner's approvals have earned, to be pasted by the owner; nothing is granted here. */
export async function suggestGrants(
  context: CommandContext,
  options: { after: string; days: string },
): Promise<number> {
  const after = parseAfter(options.after);
  const days = parseDays(options.days);
  await using tools = await openTools(context);
  await using store = readStore(context);
  const { config } = tools;
  const { earned, unearned } = earnedGrants({
    calls: (await store?.answeredCalls({ since: Date.now() - days * day, limit: mostCalls })) ?? [],
    tools: await standingTools(tools.all, store, config),
    grants: config.policy.grants,
    after,
    timezone: config.timezone,
  });
  const view = {
    after,
    days,
    suggestions: earned.map((each) => ({
      grant: each.grant,
      config: configText(each),
      allows: allowed(each),
      evidence: {
        approvals: each.approvals,
        since: isoTime(each.since),
        last: isoTime(each.last),
        untrusted: each.untrusted,
        mostPerDay: each.mostPerDay,
      },
    })),
    notSuggested: unearned,
  };
  if (context.json) context.out.write(`${JSON.stringify(view, null, 2)}\n`);
  else context.out.write(render({ earned, unearned, after, days }, context, config.timezone));
  return exit.done;
}

/** @throws ConfigError when it is none. */
function parseAfter(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 2 && count <= 1_000) return count;
  throw new ConfigError("AFTER_INVALID", `"${text}" is not a number of approvals`, {
    hint: "Write a whole number from 2 to 1000: once is no habit",
  });
}

/** What the tools say of themselves now, and which of them must have no grant. */
async function standingTools(
  tools: ReadonlyMap<string, LoadedTool>,
  store: StoreReader | undefined,
  { mcp }: ResolvedConfig,
): Promise<Map<string, StandingTool>> {
  const pins = (await store?.listToolPins()) ?? [];
  const changed = new Map(
    pins.flatMap(({ name, server, offeredHash }) =>
      offeredHash !== null && Object.hasOwn(mcp, server) ? [[name, server] as const] : [],
    ),
  );
  return new Map(
    [...tools].map(([name, { version, definition, asked }]) => {
      const server = changed.get(name);
      const tool: StandingTool = {
        version,
        effect: typeof definition.effect === "function" ? "depends" : definition.effect,
        harmless: definition.harmless === true,
        schema: z.toJSONSchema(definition.input, { io: "input", unrepresentable: "any" }),
        ...(asked && { never: "every later run trusts what it writes: you are always asked" }),
        ...(server !== undefined && {
          never: `it now says something else of itself; \`watchkeeper skills accept ${server} --show\` shows it`,
        }),
      };
      return [name, tool];
    }),
  );
}

const configText = ({ grant }: EarnedGrant): string => `${grantLines(grant).join("\n")},`;

const joined = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}`;

/** What the grant would allow, in words. */
function allowed({ grant, effect, free }: EarnedGrant): string {
  const { tool, when, maxPerDay, evenIfUntrusted } = grant;
  const conditions = joined(Object.entries(when).map(([name, value]) => `${name} is "${value}"`));
  const anything = free.length > 0 ? ` ${joined(free)} may be anything.` : "";
  const does = effect === "send" ? "reaches somebody or something else" : "changes your own data";
  const often = maxPerDay === 1 ? "once a day" : `${maxPerDay} times a day`;
  const strangers = evenIfUntrusted
    ? `Also in a run that has read what a stranger could have written: such a text could then bring it about${free.length > 0 ? `, with ${joined(free)} as the stranger wants` : ""}.`
    : "Not in a run that has read what a stranger could have written: there you are still asked.";
  return `${tool} up to ${often} without asking you, when ${conditions}.${anything} It ${does}. ${strangers}`;
}

function render(
  {
    earned,
    unearned,
    after,
    days,
  }: {
    earned: readonly EarnedGrant[];
    unearned: readonly UnearnedGrant[];
    after: number;
    days: number;
  },
  { out, environment }: CommandContext,
  zone: string,
): string {
  const paint = painterFor(out, environment);
  const now = Date.now();
  const time = (at: number) => shortTime(at, now, zone);
  const line = (text: string, indent = "") =>
    wrap(`${indent}${quoted(text)}`, out.columns, `${indent}  `);
  const lines: string[] = [];
  if (earned.length > 0) {
    lines.push(line("Under policy.grants of your configuration, if you want them:"), "");
  } else if (unearned.length > 0) {
    lines.push(line("Nothing to suggest yet."), "");
  } else {
    const approvals = plural(after, "approval");
    lines.push(
      line(
        `Nothing to suggest: in the last ${plural(days, "day")} no call was approved as it was asked and carried out. It takes ${approvals} of the same kind.`,
      ),
    );
  }
  for (const each of earned) {
    const { approvals, since, last, untrusted, mostPerDay } = each;
    lines.push(
      line(
        `${each.grant.tool}: approved ${plural(approvals.length, "time")} as it was asked since ${time(since)}, last ${time(last)}, at most ${mostPerDay} a day; ${untrusted} in runs that had read strangers' text`,
      ),
      line(`approvals ${idRanges(approvals)}`, "  "),
      paint("cyan", configText(each)),
      line(`allows ${allowed(each)}`, "  "),
      "",
    );
  }
  if (unearned.length > 0 && earned.length > 0) lines.push("Not suggested:");
  for (const { tool, why } of unearned) lines.push(line(`${tool}: ${why}`, "  "));
  return `${lines.join("\n").trimEnd()}\n`;
}
