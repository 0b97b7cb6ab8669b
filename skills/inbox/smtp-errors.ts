import { AdapterError, ToolError } from "watchkeeper";
import { secretsOf, type SmtpServer } from "./servers.ts";
import { withoutSecrets } from "./without-secrets.ts";
import { certificateCodes } from "./imap-errors.ts";
import { cleanLine } from "./plain-text.ts";

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

interface Circumstances {
  readonly server: SmtpServer;
  /** The server had asked for the message, and it was on its way. */
  readonly handedOver: boolean;
  /** Whoever called wants it no more. */
  readonly stopped: boolean;
}

export const portOf = ({ port, secure }: SmtpServer): number => port ?? (secure ? 465 : 587);

/**
 * Says in words what went wrong. The client's own error is not passed on as a cause: it may carry
 * what was sent.
 */
export function explainFailure(
  error: unknown,
  { server, handedOver, stopped }: Circumstances,
): Error {
  if (error instanceof ToolError) return error;
  const failure = asFailure(error);
  const where = `${server.host}:${portOf(server)}`;
  const said = serverWords(failure, server);
  if (handedOver && !isRefusal(failure)) {
    return new AdapterError(
      "SMTP_OUTCOME_UNKNOWN",
      `nobody knows whether the mail was sent: ${where} had it in hand, then: ${said}`,
      { hint: "Look for it in the folder of sent mail, or ask the recipient", retryable: false },
    );
  }
  if (stopped) {
    return new ToolError("SMTP_STOPPED", "it was stopped before anything was sent", {
      hint: "Nothing was sent",
    });
  }
  const { code = "", originalCode = "", command = "" } = failure;
  if (error instanceof AdapterError) {
    return new ToolError("SMTP_NO_TOKEN", `no token to log in to ${where}: ${error.message}`, {
      hint: `Nothing was sent. ${error.hint ?? "The provider has trouble of its own; try again later"}`,
    });
  }
  if (code === "EAUTH") {
    return new ToolError(
      "SMTP_LOGIN_REFUSED",
      `${where} refused the login of "${server.user ?? ""}": ${said}`,
      {
        hint:
          server.tokens === undefined
            ? "Nothing was sent; the owner must correct smtp.user and smtp.password, and many providers want an app password here"
            : "Nothing was sent; the owner must correct smtp.user, or see that the permission behind oauth2 is one to send mail (its scope)",
      },
    );
  }
  if (command === "RCPT TO") {
    return new ToolError("SMTP_RECIPIENTS_REFUSED", `${where} refused every recipient: ${said}`, {
      hint: "Nothing was sent; check the addresses",
    });
  }
  if (command === "MAIL FROM") {
    return new ToolError(
      "SMTP_SENDER_REFUSED",
      `${where} does not take mail from this address: ${said}`,
      {
        hint: "Nothing was sent; the account's address must be one that its smtp user may write from",
      },
    );
  }
  if (command === "DATA") {
    return new ToolError("SMTP_MESSAGE_REFUSED", `${where} refused the message: ${said}`, {
      hint: "Nothing was sent; the server says why",
    });
  }
  if (certificateCodes.has(originalCode)) {
    return new ToolError(
      "SMTP_TLS_REFUSED",
      `the certificate of ${where} is not trusted: ${said}`,
      {
        hint: "Nothing was sent; the owner can name its authority in smtp.tls.ca, or the name it is made out to in smtp.tls.servername",
      },
    );
  }
  if (code === "ETLS" || originalCode.startsWith("ERR_SSL") || originalCode === "EPROTO") {
    return new ToolError("SMTP_TLS_REFUSED", `no encrypted connection to ${where}: ${said}`, {
      hint: "Nothing was sent; the owner must correct smtp.port and smtp.secure: 465 with secure true, or 587 with secure false and STARTTLS",
    });
  }
  return new ToolError("SMTP_UNREACHABLE", `cannot send through ${where}: ${said}`, {
    hint: "Nothing was sent; check smtp.host and smtp.port, and whether this machine has a network",
  });
}

/** What the server or the system said, in one line, without the secrets. */
export function serverWords(error: unknown, server: SmtpServer): string {
  const { message, response, originalCode } = asFailure(error);
  const scrubbed = withoutSecrets(response ?? message, secretsOf(server));
  const line = cleanLine(scrubbed, 200).replace(/\.$/, "") || "no reason given";
  return originalCode === undefined || line.includes(originalCode)
    ? line
    : `${line} (${originalCode})`;
}

/** The server's last word on the message was no; anything less leaves it open. */
function isRefusal({ code, command, responseCode = 0 }: SmtpFailure): boolean {
  return code === "EMESSAGE" && command === "DATA" && responseCode >= 400 && responseCode < 600;
}

function asFailure(error: unknown): SmtpFailure {
  return error instanceof Error ? error : { message: String(error) };
}
