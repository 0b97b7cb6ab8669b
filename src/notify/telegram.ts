import type { SettingsOf } from "../config/channels.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { fitText } from "./fit.ts";
import { httpPatienceMs, httpRequest } from "./http-request.ts";
import type { Message, MessageLink } from "./message.ts";
import { headOf, lineOf, paragraphs, whyOf } from "./wording.ts";

/** Sends as a bot: plain text, no previews, buttons that open a page. */
export function telegramChannel(
  { token, chatId, apiUrl }: SettingsOf<"telegram">,
  { clock }: ChannelDependencies,
): Channel {
  // The token is a part of the address; what this makes goes into no text.
  const method = (name: string) => new URL(`${apiUrl.replace(/\/+$/, "")}/bot${token}/${name}`);
  const common = { channel: "telegram", secrets: [token] };
  return {
    name: "telegram",
    repeatable: false,
    patienceMs: httpPatienceMs,
    async deliver(message, signal) {
      await httpRequest(
        {
          ...common,
          url: method("sendMessage"),
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(sendMessage(message, chatId)),
        },
        { clock, signal },
      );
    },
    async reach(signal) {
      const url = method("getMe");
      await httpRequest({ ...common, method: "GET", url }, { clock, signal });
      return `${url.host} knows the bot`;
    },
  };
}

/** In UTF-16 units, as JavaScript counts. */
const longestText = 4_096;

function sendMessage(message: Message, chatId: string | number) {
  const buttons = message.links.filter(isButton);
  const lines = message.links.filter((link) => !isButton(link)).map(lineOf);
  // Links stay whole whatever is cut.
  const end = lines.length > 0 ? `\n\n${lines.join("\n")}` : "";
  const text = paragraphs(headOf(message), message.body, whyOf(message));
  return {
    chat_id: chatId,
    text: fitText(text, (part) => part.length + end.length <= longestText) + end,
    link_preview_options: { is_disabled: true },
    ...(message.severity === "info" && { disable_notification: true }),
    ...(buttons.length > 0 && {
      reply_markup: { inline_keyboard: [buttons.map(({ label, url }) => ({ text: label, url }))] },
    }),
  };
}

/** A button to an address that Telegram takes for none would have the whole message refused. */
function isButton({ url }: MessageLink): boolean {
  const { protocol, hostname } = URL.parse(url) ?? {};
  return protocol === "https:" && hostname !== undefined && /\.[a-z][a-z0-9-]*$/i.test(hostname);
}
