import { z } from "zod";
import type { SettingsOf } from "../config/channels.ts";
import type { Severity } from "../domain/finding.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { deliveryHash } from "./delivery-id.ts";
import { bytesOf, fitLine, fitText } from "./fit.ts";
import { refusalOf } from "./http-refusal.ts";
import { httpExchange, httpPatienceMs, httpRequest } from "./http-request.ts";
import type { Message } from "./message.ts";
import { lineOf, paragraphs, whyOf } from "./wording.ts";

/**
 * Publishes to a topic of an ntfy server. A message has a sequence id of its own: servers that know it
 * (from 2.16 on) show a repeat in the place of the first, and all keep messages for a while, to be asked for.
 */
export function ntfyChannel(
  settings: SettingsOf<"ntfy">,
  { clock, origin }: ChannelDependencies,
): Channel {
  const { server, topic, token, password } = settings;
  const secrets = [token, password].filter((secret) => secret !== undefined);
  const common = { channel: "ntfy", secrets, headers: authorization(settings) };
  return {
    name: "ntfy",
    repeatable: true,
    patienceMs: httpPatienceMs,
    async deliver(message, signal) {
      const body = JSON.stringify(publication(message, topic, origin));
      const headers = { ...common.headers, "Content-Type": "application/json" };
      await httpRequest({ ...common, headers, url: new URL("/", server), body }, { clock, signal });
    },
    async confirm(message, { since, signal }) {
      const url = new URL(`/${topic}/json`, server);
      const from = Math.floor((since - clockSkewMs) / 1_000);
      url.search = new URLSearchParams({ poll: "1", since: `${from}` }).toString();
      try {
        const answer = await httpRequest({ ...common, method: "GET", url }, { clock, signal });
        const wanted = publication(message, topic, origin);
        if (keptOf(answer.text).some((kept) => isSame(kept, wanted))) return "sent";
        return answer.isWhole ? "not-sent" : undefined;
      } catch {
        return undefined;
      }
    },
    async reach(signal) {
      const request = { ...common, method: "GET" as const, url: new URL(`/${topic}/auth`, server) };
      const answer = await httpExchange(request, { clock, signal });
      const { host } = request.url;
      if (answer.status < 300) return `${host} lets us in`;
      // A login that may only write is a good one.
      if (answer.status === 403) return `${host} answers; we may not read the topic`;
      throw refusalOf(answer, request, clock.now());
    },
  };
}

function authorization({ token, user = "", password }: SettingsOf<"ntfy">) {
  if (token !== undefined) return { Authorization: `Bearer ${token}` };
  if (password === undefined) return {};
  const login = Buffer.from(`${user}:${password}`, "utf8").toString("base64");
  return { Authorization: `Basic ${login}` };
}

const priorities: Readonly<Record<Severity, number>> = {
  info: 2,
  notice: 3,
  warning: 4,
  critical: 5,
};
/** Short codes that ntfy shows as a picture before the title. */
const pictures: Readonly<Record<Severity, string>> = {
  info: "information_source",
  notice: "bell",
  warning: "warning",
  critical: "rotating_light",
};

const longestTitleBytes = 180;
/** At 4,096 bytes the server makes a file of a message. */
const longestMessageBytes = 4_095;
/** The server reads no more of a request, with everything that is escaped in it. */
const longestBodyBytes = 8_192;
const mostActions = 3;

function publication(message: Message, topic: string, origin: string) {
  const { kind, severity, links } = message;
  const title = fitLine(message.title, (text) => bytesOf(text) <= longestTitleBytes);
  const isOver = kind === "recovery";
  const frame = {
    topic,
    title,
    priority: isOver ? priorities.notice : priorities[severity],
    tags: [isOver ? "white_check_mark" : pictures[severity]],
    sequence_id: deliveryHash(message, origin),
    actions: links
      .slice(0, mostActions)
      .map(({ label, url }) => ({ action: "view", label, url, clear: true })),
  };
  const text = paragraphs(
    title === message.title ? "" : message.title,
    message.body,
    whyOf(message),
    links.slice(mostActions).map(lineOf).join("\n"),
  );
  const fits = (part: string): boolean =>
    bytesOf(part) <= longestMessageBytes &&
    bytesOf(JSON.stringify({ ...frame, message: part })) <= longestBodyBytes;
  return { ...frame, message: fitText(text, fits) };
}

type Publication = ReturnType<typeof publication>;

/** How far the server's clock may be from ours. */
const clockSkewMs = 2 * 60_000;

const keptMessage = z.object({
  event: z.literal("message"),
  title: z.string().optional(),
  message: z.string().optional(),
  sequence_id: z.string().optional(),
});

/** One message a line; what is no message is passed over. */
const keptOf = (text: string) =>
  text.split("\n").flatMap((line) => {
    try {
      return keptMessage.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });

const isSame = (kept: z.output<typeof keptMessage>, wanted: Publication): boolean =>
  kept.sequence_id === wanted.sequence_id ||
  // Older servers do not keep it.
  (kept.title === wanted.title && kept.message === wanted.message);
