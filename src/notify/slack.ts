import type { SettingsOf } from "../config/channels.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { fitLine, fitText } from "./fit.ts";
import { reachHost } from "./http-reach.ts";
import { httpPatienceMs, httpRequest } from "./http-request.ts";
import type { Message, MessageLink } from "./message.ts";
import { headOf, paragraphs, whyOf } from "./wording.ts";

/** Posts to an incoming webhook: plain text, buttons that open a page, and nothing that Slack looks up. */
export function slackChannel(
  { url }: SettingsOf<"slack">,
  { clock }: ChannelDependencies,
): Channel {
  return {
    name: "slack",
    repeatable: false,
    patienceMs: httpPatienceMs,
    async deliver(message, signal) {
      await httpRequest(
        {
          channel: "slack",
          url: new URL(url),
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(post(message)),
          secrets: [],
        },
        { clock, signal },
      );
    },
    reach: async (signal) => await reachHost("slack", url, { clock, signal }),
  };
}

const longestHeader = 150;
const longestSection = 3_000;
const mostSections = 4;
const longestButton = 75;
const longestUrl = 3_000;
const mostButtons = 25;

/** Slack reads `<!channel>` and the like as commands. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const plain = (text: string) => ({ type: "plain_text", text: escaped(text), emoji: false });

function post(message: Message) {
  const head = headOf(message);
  const header = fitLine(head, (text) => escaped(text).length <= longestHeader);
  const body = paragraphs(header === head ? "" : head, message.body, whyOf(message));
  const buttons = message.links.filter(({ url }) => url.length <= longestUrl).slice(0, mostButtons);
  return {
    // What a phone shows before the message is opened.
    text: escaped(head),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: "header", text: plain(header) },
      ...sectionsOf(body).map((text) => ({ type: "section", text: plain(text) })),
      ...(buttons.length > 0 ? [{ type: "actions", elements: buttons.map(buttonOf) }] : []),
    ],
  };
}

const buttonOf = ({ label, url }: MessageLink, index: number) => ({
  type: "button",
  action_id: `open-${index}`,
  text: plain(fitLine(label, (text) => escaped(text).length <= longestButton)),
  url,
});

/** A section holds little: text goes on in the next one, at the end of a line where there is one. */
function sectionsOf(text: string): string[] {
  const room = longestSection * mostSections * fullness;
  const sections: string[] = [];
  let section = "";
  for (const line of piecesOf(fitText(text, (part) => escaped(part).length <= room))) {
    if (escaped(section + line).length > longestSection) {
      sections.push(section);
      section = "";
    }
    section += line;
  }
  // One that holds nothing to see is refused.
  return [...sections, section].map((part) => part.replace(/^\n+|\n+$/g, "")).filter(isSeen);
}

/** Lines do not fill sections to the brim. */
const fullness = 0.7;
const isSeen = (text: string): boolean => text.trim() !== "";

/** Lines with their ends, those that are longer than a section in parts. */
function piecesOf(text: string): string[] {
  const longest = longestSection / "&amp;".length;
  return text
    .split(/(?<=\n)/)
    .flatMap((line) => line.match(new RegExp(`[^]{1,${longest}}`, "gu")) ?? []);
}
