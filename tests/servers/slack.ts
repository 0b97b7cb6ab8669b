import { z } from "zod";
import { startHttpReceiver, type Answer, type HttpReceiver } from "./http-receiver.ts";

/** Stands in for Slack's incoming webhooks: refuses what they refuse, and reads as a person would. */
export interface SlackServer extends HttpReceiver {
  /** The address to post to, a secret in itself. */
  readonly url: string;
  readonly posts: readonly SlackPost[];
}

export interface SlackPost {
  /** The notification's own text. */
  readonly text: string;
  /** What the blocks show, in order. */
  readonly shown: readonly string[];
  readonly buttons: readonly { readonly label: string; readonly url: string }[];
}

/** Markup that is not escaped is a command, such as `<!channel>`. */
const inert = (text: z.ZodString) =>
  text.regex(/^(?:[^&<>]|&(?:amp|lt|gt);)*$/, "holds what is read as markup");
const plain = (longest: number) =>
  z.strictObject({
    type: z.literal("plain_text"),
    text: inert(z.string().min(1).max(longest)).regex(/\S/),
    emoji: z.boolean().optional(),
  });

const button = z.strictObject({
  type: z.literal("button"),
  action_id: z.string().min(1).max(255),
  text: plain(75),
  url: z.url().max(3_000),
});

const block = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("header"), text: plain(150) }),
  z.strictObject({ type: z.literal("section"), text: plain(3_000) }),
  z.strictObject({ type: z.literal("actions"), elements: z.array(button).min(1).max(25) }),
]);

const payload = z.strictObject({
  text: inert(z.string().min(1).max(40_000)),
  mrkdwn: z.literal(false),
  unfurl_links: z.literal(false),
  unfurl_media: z.literal(false),
  blocks: z.array(block).min(1).max(50),
});

const path = "/services/T0AB12CD3/B0EF45GH6/kLmNoPqRsTuVwXyZ01234567";

export async function startSlackServer(): Promise<SlackServer> {
  const posts: SlackPost[] = [];
  const receiver = await startHttpReceiver((request): Answer => {
    if (request.path !== path) return said(404, "no_service");
    if (request.headers["content-type"] !== "application/json") return said(400, "invalid_payload");
    const parsed = payload.safeParse(JSON.parse(request.body));
    if (!parsed.success) return said(400, `invalid_blocks ${z.prettifyError(parsed.error)}`);
    const { text, blocks } = parsed.data;
    const ids = blocks.flatMap((each) =>
      each.type === "actions" ? each.elements.map((element) => element.action_id) : [],
    );
    if (new Set(ids).size < ids.length) return said(400, "invalid_blocks: action_id twice");
    posts.push({
      text: read(text),
      shown: blocks.flatMap((each) => (each.type === "actions" ? [] : read(each.text.text))),
      buttons: blocks.flatMap((each) =>
        each.type === "actions"
          ? each.elements.map((element) => ({ label: read(element.text.text), url: element.url }))
          : [],
      ),
    });
    return said(200, "ok");
  });
  return Object.assign(receiver, { url: `${receiver.origin}${path}`, posts });
}

const said = (status: number, body: string): Answer => ({
  status,
  headers: { "Content-Type": "text/html" },
  body,
});

const read = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
