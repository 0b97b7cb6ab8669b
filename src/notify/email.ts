import type { SettingsOf } from "../config/channels.ts";
import { signatureHeader } from "../domain/mail-signature.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { labelOf } from "./compose.ts";
import { deliveryId } from "./delivery-id.ts";
import { fitLine } from "./fit.ts";
import type { Message } from "./message.ts";
import { sendMail, smtpPatienceMs, tryServer } from "./smtp.ts";
import { portOf } from "./smtp-errors.ts";
import { lineOf, paragraphs, whyOf } from "./wording.ts";

/** Sends plain text through the owner's SMTP server. */
export function emailChannel(
  { smtp, from, to }: SettingsOf<"email">,
  dependencies: ChannelDependencies,
): Channel {
  const { clock, baseDir, warn } = dependencies;
  return {
    name: "email",
    repeatable: false,
    patienceMs: smtpPatienceMs,
    async deliver(message, signal) {
      const raw = await compose(mailOf(message, dependencies), { from, to, at: clock.now() });
      const { refused } = await sendMail(
        { server: smtp, baseDir, from, to, raw },
        { clock, signal },
      );
      if (refused.length > 0) warn(`email: not taken for some recipients: ${refused.join("; ")}`);
    },
    async reach(signal) {
      await tryServer({ server: smtp, baseDir }, { clock, signal });
      const how = smtp.user === undefined ? "answers" : "lets us in";
      return `${smtp.host}:${portOf(smtp)} ${how}`;
    },
  };
}

interface Mail {
  /** With angle brackets. */
  readonly messageId: string;
  /** Of the trouble that it is about; with angle brackets. */
  readonly threadId: string;
  readonly subject: string;
  readonly text: string;
  readonly isUrgent: boolean;
  readonly signature: string | undefined;
}

const longestSubject = 250;

function mailOf(message: Message, { origin, signMail }: ChannelDependencies): Mail {
  const { kind, severity, title, body, thread, links, replyToken } = message;
  // A reply names what it answers: the token in there proves that its writer has this mail.
  const messageId = `<${localPart(replyToken ?? deliveryId(message))}@${origin}>`;
  const label = ` (${labelOf(kind, severity)})`;
  const fits = (text: string): boolean => text.length + label.length <= longestSubject;
  const subject = `${fitLine(title.replace(/\s+/g, " "), fits)}${label}`;
  const answers = [...links.map(lineOf), ...(replyToken === null ? [] : [howToReply])].join("\n");
  const text = `${paragraphs(title, body, whyOf(message), answers)}\n`;
  return {
    messageId,
    threadId: `<${localPart(thread)}@${origin}>`,
    subject,
    text,
    isUrgent: severity === "critical" && kind !== "recovery",
    signature: signMail?.({ messageId, subject, text }),
  };
}

const howToReply =
  "Or reply to this mail: approve or deny as the first line, and nothing else in it (deny: with a reason, if you like).";

/** Only what may stand in an id without quotes. */
const localPart = (text: string): string =>
  text.replace(/[^A-Za-z0-9.-]/g, "-").replace(/^\.+|\.+$|\.(?=\.)/g, "") || "message";

/** @returns the bytes that are sent, lines ending in CRLF */
async function compose(
  { messageId, threadId, subject, text, isUrgent, signature }: Mail,
  { from, to, at }: { from: string; to: readonly string[]; at: number },
): Promise<Buffer> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  return new MailComposer({
    messageId,
    inReplyTo: threadId,
    references: [threadId],
    from: { name: "Watchkeeper", address: from },
    to: to.map((address) => ({ name: "", address })),
    subject,
    text,
    date: new Date(at),
    textEncoding: "quoted-printable",
    headers: {
      // Nobody's holiday answer is wanted.
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      ...(isUrgent && { Importance: "high" }),
      ...(signature !== undefined && { [signatureHeader]: signature }),
    },
    newline: "windows",
    // The input is text; never is it the name of a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}
