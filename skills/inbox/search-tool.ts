import { type AnyTool, defineTool, ToolError, type ToolRunContext, z } from "watchkeeper";
import {
  ownKind,
  ownMessages,
  pickAccounts,
  reasonOf,
  type ToolAccount,
  type ToolAccounts,
} from "./accounts.ts";
import { identifyMessage } from "./identity.ts";
import type { FoundMessage, MailQuery } from "./mail-store.ts";
import { parseMessage, type Person } from "./message.ts";
import { cleanLine } from "./plain-text.ts";
import { accountName } from "./read-tool.ts";
import { judge, type OwnerWords } from "./rules.ts";
import { vipSender } from "./vip-sender.ts";

const snippetLength = 200;
const usualLimit = 20;
const mostFound = 50;
/** The newest messages of each account on which a rule is tried. */
const mostTried = 300;

export interface SearchResult {
  readonly messages: readonly {
    /** For `inbox_read` and the tools that change a message. */
    readonly id: string;
    readonly account: string;
    readonly from: string;
    readonly to: readonly string[];
    readonly subject: string;
    /** When it arrived, ISO 8601. */
    readonly date: string;
    readonly snippet: string;
  }[];
  /** Accounts that could not be searched, and why. */
  readonly failed?: readonly string[];
  /** What of it is not for the agent to read. */
  readonly leftOut?: string;
}

// A condition in code and not in the schema: a pattern there is a line of noise in every prompt.
const isIsoDate = (given: string): boolean =>
  z.union([z.iso.datetime({ offset: true }), z.iso.date()]).safeParse(given).success;
const text = () => z.string().min(1).max(200).optional();

/** The tool that looks for mail in the watched folders and the archive. */
export function searchTool(accounts: ToolAccounts, words: OwnerWords): AnyTool {
  return defineTool({
    description:
      "Search the watched folders and the archive, newest first. Returns headers and a snippet of each.",
    effect: "read",
    timeout: "60s",
    input: z.strictObject({
      query: text().describe("Words in the mail"),
      from: text(),
      to: text(),
      since: z
        .string()
        .max(40)
        .refine(isIsoDate, 'must be an ISO date such as "2026-11-23"')
        .optional()
        .describe("ISO date"),
      limit: z.int().min(1).max(mostFound).optional(),
      account: accountName(),
      rule: text().describe("Only what this rule of the owner's decides"),
    }),
    async run(input, context): Promise<SearchResult> {
      const { query, from, to, since, limit = usualLimit, account, rule: name } = input;
      const rule = name === undefined ? undefined : pickRule(words, name);
      const wanted = {
        ...{ query, from, to, since: since ? new Date(since) : undefined },
        limit: rule === undefined ? limit : mostTried,
      };
      const picked = pickAccounts(accounts, account);
      const found: { holder: ToolAccount; message: FoundMessage }[] = [];
      const failed: string[] = [];
      let notifications = 0;
      for (const holder of picked) {
        try {
          const { messages, left } = await searchOne(holder, wanted, context);
          found.push(...messages.map((message) => ({ holder, message })));
          notifications += left;
        } catch (error) {
          context.signal.throwIfAborted();
          failed.push(`${holder.account.name}: ${reasonOf(error)}`);
        }
      }
      if (failed.length === picked.length) {
        throw new ToolError("INBOX_SEARCH_FAILED", `could not search: ${failed.join("; ")}`, {
          hint: "The accounts are not to be had at the moment",
        });
      }
      found.sort((a, b) => b.message.stored.arrivedAt - a.message.stored.arrivedAt);
      if (rule !== undefined) await keepDecided(found, rule, words);
      const messages = await Promise.all(
        found.slice(0, limit).map(({ holder, message }) => summarize(holder.account.name, message)),
      );
      return {
        messages,
        ...(failed.length > 0 && { failed }),
        ...(notifications > 0 && { leftOut: ownMessages(notifications) }),
      };
    },
  });
}

function pickRule({ rules }: OwnerWords, name: string): string {
  if (rules.some((rule) => rule.name === name)) return name;
  throw new ToolError("INBOX_RULE_UNKNOWN", `there is no rule "${name}"`, {
    hint: `The rules are: ${rules.map((rule) => rule.name).join(", ") || "none"}`,
  });
}

/** Takes away what the rule does not decide, because it does not fit or an earlier one does. */
async function keepDecided(
  found: { holder: ToolAccount; message: FoundMessage }[],
  rule: string,
  words: OwnerWords,
): Promise<void> {
  const all = found.splice(0);
  for (const each of all) {
    const { stored } = each.message;
    const message = await parseMessage(stored, 0).catch(() => undefined);
    if (message === undefined) continue;
    const { name, authservId } = each.holder.account;
    const sender = vipSender(stored.source, message, authservId);
    if (judge(message, name, words, sender).rule === rule) found.push(each);
  }
}

async function searchOne(
  holder: ToolAccount,
  query: MailQuery,
  context: ToolRunContext,
): Promise<{ messages: FoundMessage[]; left: number }> {
  const messages: FoundMessage[] = [];
  let left = 0;
  for (const message of await holder.store.search(query, context)) {
    const kind = await ownKind(holder, message, context);
    if (kind === undefined) messages.push(message);
    if (kind === "notification") left += 1;
  }
  return { messages, left };
}

async function summarize(
  account: string,
  { stored }: FoundMessage,
): Promise<SearchResult["messages"][number]> {
  const date = new Date(stored.arrivedAt).toISOString();
  const message = await parseMessage(stored, snippetLength * 4).catch(() => undefined);
  if (message === undefined) {
    const { key: id } = identifyMessage(stored.source, stored.size);
    return { id, account, from: "", to: [], subject: "", date, snippet: "(it cannot be read)" };
  }
  return {
    id: message.key,
    account,
    from: message.from ? nameOf(message.from) : "",
    to: [...message.to, ...message.cc].map(({ address }) => address),
    subject: message.subject,
    date,
    snippet: cleanLine(message.text, snippetLength),
  };
}

const nameOf = ({ name, address }: Person): string =>
  name === "" || name === address ? address : `${name} <${address}>`;
