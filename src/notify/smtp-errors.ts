import { oneLine } from "../domain/plain-text.ts";
import { createScrub } from "../domain/scrub.ts";
import { DeliveryError } from "./delivery-error.ts";
import type { SmtpServer } from "./smtp.ts";

interface SmtpFailure {
  readonly message: string;
  /** The client's own class of error, such as `EAUTH`. */
  readonly code?: string;
  /** The system's or the TLS library's, when the client replaced it. */
  readonly originalCode?: string;
  /** The command that failed, such as `RCPT TO`. */
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

export const portOf = ({ port, secure }: SmtpServer): number => port ?? (secure ? 465 : 587);

/**
 * Says in words what went wrong. The client's own error is not passed on as a cause: it may carry what
 * was sent.
 */
export function explainSmtp(
  error: unknown,
  { server, handedOver }: { readonly server: SmtpServer; readonly handedOver: boolean },
): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const failure = asFailure(error);
  const where = `${server.host}:${portOf(server)}`;
  const said = smtpWords(failure, server);
  if (handedOver && !isLastWord(failure)) {
    return new DeliveryError(
      "CHANNEL_OUTCOME_UNKNOWN",
      `nobody knows whether email has it: ${where} had it in hand, then: ${said}`,
      { outcome: "unknown", hint: "Look there before you send it again" },
    );
  }
  const { responseCode = 0, code = "", originalCode = "", command = "" } = failure;
  // 5xx stays no until somebody changes something; 4xx is a no for now.
  if (responseCode >= 400) {
    return new DeliveryError(
      "CHANNEL_SMTP_REFUSED",
      `email: ${where} refused ${partOf(failure)}: ${said}`,
      {
        retryable: responseCode < 500,
        hint: code === "EAUTH" ? loginHint : (hints[command] ?? "The server says why"),
      },
    );
  }
  const isTls =
    code === "ETLS" || originalCode === "EPROTO" || /^(?:ERR_|CERT_|.*_CERT)/.test(originalCode);
  return new DeliveryError(
    "CHANNEL_SMTP_UNREACHABLE",
    `email: cannot send through ${where}: ${said}`,
    {
      hint: isTls
        ? tlsHint
        : "Check smtp.host and smtp.port, and whether this machine has a network",
    },
  );
}

const loginHint = "Check smtp.user and smtp.password; many providers want an app password";
const tlsHint =
  "Check smtp.port and smtp.secure: 465 with true, or 587 with false and STARTTLS; an authority of your own is named in smtp.tls.ca";
const hints: Readonly<Record<string, string>> = {
  "MAIL FROM": "`from` must be an address that smtp.user may write from",
  "RCPT TO": "Check the addresses in `to`",
};

const partOf = ({ code, command }: SmtpFailure): string => {
  if (code === "EAUTH") return "the login";
  if (command === "MAIL FROM") return "the sender";
  if (command === "RCPT TO") return "every recipient";
  return command === "DATA" ? "the message" : "us";
};

/** What the server or the system said, on one line, without the password. */
export function smtpWords(error: unknown, { password }: SmtpServer): string {
  const { message, response, originalCode } = asFailure(error);
  const scrub = createScrub(password === undefined ? [] : [password]);
  const line = oneLine(scrub(response ?? message), longestWords).replace(/\.$/, "");
  const words = line || "no reason given";
  return originalCode === undefined || words.includes(originalCode)
    ? words
    : `${words} (${originalCode})`;
}

const longestWords = 200;

/** The server's word on the whole message; anything less leaves it open. */
const isLastWord = ({ code, command, responseCode = 0 }: SmtpFailure): boolean =>
  code === "EMESSAGE" && command === "DATA" && responseCode >= 400 && responseCode < 600;

const asFailure = (error: unknown): SmtpFailure =>
  error instanceof Error ? error : { message: String(error) };
