import { z } from "zod";
import { jsonAnswer, startHttpReceiver, type Answer, type HttpReceiver } from "./http-receiver.ts";

/** Stands in for Telegram's Bot API: two methods, with the refusals of the real one. */
export interface TelegramServer extends HttpReceiver {
  readonly token: string;
  readonly sent: readonly TelegramMessage[];
}

export type TelegramMessage = z.output<typeof sendMessage>;

const button = z.strictObject({
  text: z.string().min(1),
  url: z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).hostname.includes("."), {
    error: "inline keyboard button URL is invalid: Wrong HTTP URL",
  }),
});

const sendMessage = z.strictObject({
  chat_id: z.union([z.int(), z.string().regex(/^(?:-?\d+|@\w+)$/)]),
  // JavaScript and Telegram both count UTF-16 units.
  text: z.string().min(1).max(4_096, "message is too long"),
  link_preview_options: z.strictObject({ is_disabled: z.literal(true) }),
  disable_notification: z.boolean().optional(),
  reply_markup: z
    .strictObject({ inline_keyboard: z.array(z.array(button).min(1).max(8)).min(1) })
    .optional(),
});

export async function startTelegramServer(): Promise<TelegramServer> {
  const token = "7654321:AAHk-9wq_Zx8vYtS3uR2pQ1oN0mL4kJ5iH6";
  const sent: TelegramMessage[] = [];
  const receiver = await startHttpReceiver(({ method, path, headers, body }): Answer => {
    const [, given, name] = /^\/bot([^/]+)\/(getMe|sendMessage)$/.exec(path) ?? [];
    if (given === undefined) return no(404, "Not Found");
    // Quoted by more than one proxy.
    if (given !== token) return no(401, `Unauthorized ${path}`);
    if (name === "getMe")
      return jsonAnswer(200, { ok: true, result: { id: 7654321, is_bot: true } });
    if (method !== "POST") return no(404, "Not Found");
    if (headers["content-type"] !== "application/json") return no(400, "Bad Request: no JSON");
    const parsed = sendMessage.safeParse(JSON.parse(body));
    if (!parsed.success) return no(400, `Bad Request: ${z.prettifyError(parsed.error)}`);
    sent.push(parsed.data);
    return jsonAnswer(200, { ok: true, result: { message_id: sent.length } });
  });
  return Object.assign(receiver, { token, sent });
}

const no = (error_code: number, description: string): Answer =>
  jsonAnswer(error_code, { ok: false, error_code, description });
