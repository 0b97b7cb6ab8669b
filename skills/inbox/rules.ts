import type { Severity } from "watchkeeper";
import type { Message } from "./message.ts";
import { fitsSomewhere, fitsWhole } from "./pattern.ts";
import type { Rule, RuleMatch } from "./rules-config.ts";

/** What the owner's own words make of a message, without a model. */
export interface Judgement {
  readonly severity: Severity;
  /** The rule that decided. */
  readonly rule?: string;
  readonly label?: string;
  readonly archive?: true;
  readonly ignore?: true;
  /** The pattern under which the sender is a VIP. */
  readonly vip?: string;
}

export interface OwnerWords {
  readonly rules: readonly Rule[];
  readonly vips: readonly string[];
}

/**
 * The first rule that fits decides, and what it leaves open stays as it would be without it: mail
 * from person to person is `notice`, bulk `info`, and a VIP's mail one step more urgent.
 * @param sender the address that VIPs are looked up by; see {@link vipSender}
 */
export function judge(
  message: Message,
  account: string,
  { rules, vips }: OwnerWords,
  sender: string | undefined,
): Judgement {
  const vip = sender === undefined ? undefined : vips.find((each) => fitsWhole(sender, each));
  const usual = usualSeverity(message, vip !== undefined);
  const rule = rules.find((each) => concerns(each, account) && ruleFits(each.match, message));
  if (rule === undefined) return { severity: usual, ...(vip !== undefined && { vip }) };
  const { name, severity = usual, label, archive, ignore } = rule;
  return {
    severity,
    rule: name,
    ...(label !== undefined && { label }),
    ...(archive && { archive }),
    ...(ignore && { ignore }),
    ...(vip !== undefined && { vip }),
  };
}

function usualSeverity({ bulk }: Message, isVip: boolean): Severity {
  if (bulk === undefined) return isVip ? "warning" : "notice";
  return isVip ? "notice" : "info";
}

const concerns = ({ accounts }: Pick<Rule, "accounts">, account: string): boolean =>
  accounts?.includes(account) ?? true;

/** Every part of the match that is written fits. */
function ruleFits(match: RuleMatch, message: Message): boolean {
  const { from, to, subject, listId, header, size, attachment, bulk } = match;
  const recipients = [...message.to, ...message.cc].map(({ address }) => address);
  return (
    (from === undefined || anyFits([message.from?.address ?? ""], from, fitsWhole)) &&
    (to === undefined || anyFits(recipients, to, fitsWhole)) &&
    (subject === undefined || anyFits([message.subject], subject, fitsSomewhere)) &&
    (listId === undefined || anyFits(listIds(message), listId, fitsWhole)) &&
    (header === undefined || headersFit(message, header)) &&
    (size === undefined || (size.over ? message.size > size.bytes : message.size < size.bytes)) &&
    (attachment === undefined || attachmentFits(message, attachment)) &&
    (bulk === undefined || (message.bulk !== undefined) === bulk)
  );
}

function anyFits(
  texts: readonly string[],
  wanted: string | readonly string[],
  fits: (text: string, pattern: string) => boolean,
): boolean {
  const patterns = typeof wanted === "string" ? [wanted] : wanted;
  return texts.some((text) => text !== "" && patterns.some((pattern) => fits(text, pattern)));
}

function headersFit({ headers }: Message, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, pattern]) =>
    headers.some(([key, value]) => key === name.toLowerCase() && fitsSomewhere(value, pattern)),
  );
}

function attachmentFits(
  { attachments, attachmentCount }: Message,
  wanted: boolean | string | readonly string[],
): boolean {
  if (typeof wanted === "boolean") return attachmentCount > 0 === wanted;
  return anyFits(
    attachments.map(({ name }) => name),
    wanted,
    fitsWhole,
  );
}

/** `Name <list.example.com>` is known as `list.example.com`. */
function listIds({ headers }: Message): string[] {
  return headers.flatMap(([key, value]) =>
    key === "list-id" ? [/<([^<>]*)>/.exec(value)?.[1]?.trim() ?? value.trim()] : [],
  );
}
