import { z } from "zod";
import { nearestOf } from "../../config/issues.ts";
import { systemClock } from "../../domain/clock.ts";
import { ConfigError } from "../../domain/errors.ts";
import { createScrub } from "../../domain/scrub.ts";
import { readThrough } from "../../heartbeat/read-through.ts";
import { exit, parseDays, type CommandContext } from "../context.ts";
import { painterFor, quoted, wrap } from "../text.ts";
import { openTools } from "../tools.ts";

const ruleSchema = z.looseObject({
  name: z.string(),
  severity: z.string().optional(),
  label: z.string().optional(),
  archive: z.boolean().optional(),
  ignore: z.boolean().optional(),
});
const settingsSchema = z.looseObject({
  rules: z.array(ruleSchema).default([]),
  accounts: z.array(z.looseObject({ name: z.string() })).default([]),
});

const foundSchema = z.looseObject({
  messages: z.array(
    z.looseObject({
      id: z.string(),
      account: z.string(),
      from: z.string(),
      subject: z.string(),
      date: z.string(),
    }),
  ),
  failed: z.array(z.string()).default([]),
});

const dayMs = 86_400_000;
const mostShown = 50;

/** Tries a rule of the config on recent mail. Nothing is changed, and no model is asked. */
export async function testRule(
  context: CommandContext,
  name: string,
  { days: given, account }: { days: string; account?: string },
): Promise<number> {
  const days = parseDays(given);
  await using tools = await openTools(context);
  const { rules, accounts } = settingsSchema.parse(tools.config.skills.get("inbox") ?? {});
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) throw unknownRule(name, rules);
  const names = accounts.map((each) => each.name);
  if (account !== undefined && !names.includes(account)) throw unknownAccount(account, names);
  const search = tools.get("inbox_search");
  const { signal } = new AbortController();
  const scrub = createScrub(tools.config.secrets);
  const call = readThrough(new Map([[search.name, search]]), { clock: systemClock, signal, scrub });
  const since = new Date(systemClock.now() - days * dayMs).toISOString();
  const more = account === undefined ? {} : { account };
  const found = foundSchema.parse(
    await call(search.name, { rule: name, since, limit: mostShown, ...more }),
  );
  const does = deedsOf(rule);
  if (context.json) {
    context.out.write(`${JSON.stringify({ rule: name, does, days, ...found }, null, 2)}\n`);
  } else {
    context.out.write(render({ name, does, days, ...found }, context));
  }
  return found.failed.length > 0 ? exit.failed : exit.done;
}

function deedsOf({ severity, label, archive, ignore }: z.output<typeof ruleSchema>): string[] {
  return [
    ...(ignore === true ? ["ignored"] : []),
    ...(severity === undefined ? [] : [`severity ${severity}`]),
    ...(label === undefined ? [] : [`labelled ${label}`]),
    ...(archive === true ? ["archived"] : []),
  ];
}

function render(
  {
    name,
    does,
    days,
    messages,
    failed,
  }: z.output<typeof foundSchema> & {
    name: string;
    does: readonly string[];
    days: number;
  },
  { out, environment }: CommandContext,
): string {
  const paint = painterFor(out, environment);
  const many = messages.length === 1 ? "1 mail" : `${messages.length} mails`;
  const more = messages.length === mostShown ? ", the newest" : "";
  const head = `${name} decides ${many} of the last ${days} days${more}: ${does.join(", ")}`;
  const lines = messages.map(({ account, date, from, subject }) =>
    wrap(
      `${paint("dim", date.slice(0, 16).replace("T", " "))}  ${account}: ${quoted(from)}: ${quoted(subject)}`,
      out.columns,
      "  ",
    ),
  );
  const failures = failed.map((line) => wrap(`not searched: ${quoted(line)}`, out.columns, "  "));
  return [wrap(head, out.columns, "  "), ...lines, ...failures, ""].join("\n");
}

function unknownRule(name: string, rules: readonly { readonly name: string }[]): ConfigError {
  const names = rules.map((rule) => rule.name);
  const hint =
    names.length > 0
      ? nearestOrAll(name, names, "rules")
      : "Write some under `rules` in the inbox skill's configuration";
  return new ConfigError("RULE_UNKNOWN", `there is no rule "${name}"`, { hint });
}

const unknownAccount = (name: string, names: readonly string[]): ConfigError =>
  new ConfigError("ACCOUNT_UNKNOWN", `there is no account "${name}"`, {
    hint: nearestOrAll(name, names, "accounts"),
  });

function nearestOrAll(name: string, names: readonly string[], what: string): string {
  const nearest = nearestOf(name, names);
  return nearest === undefined
    ? `The ${what} are: ${names.join(", ")}`
    : `Did you mean "${nearest}"?`;
}
