import type { ImapFlowError } from "imapflow";
import { AdapterError } from "watchkeeper";
import { cleanLine } from "./plain-text.ts";
import { type Secrets, withoutSecrets } from "./without-secrets.ts";

export interface ImapServerName extends Secrets {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
}

const unreachableCodes = new Set([
  ...[
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENETDOWN",
    "ETIMEDOUT",
  ],
  ...["CONNECT_TIMEOUT", "GREETING_TIMEOUT", "EADDRNOTAVAIL", "EHOSTDOWN", "EACCES", "EPERM"],
]);
/** What Node says of a certificate that it does not trust. */
export const certificateCodes = new Set([
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT"],
  ...["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED"],
  ...["CERT_NOT_YET_VALID", "CERT_REVOKED", "CERT_UNTRUSTED", "CERT_CHAIN_TOO_LONG", "INVALID_CA"],
  ...["CERT_SIGNATURE_FAILURE", "HOSTNAME_MISMATCH", "ERR_TLS_CERT_ALTNAME_INVALID"],
]);
/** The server refuses the login for a reason that passes. */
const passingLoginCodes = new Set(["UNAVAILABLE", "INUSE", "LIMIT", "CONTACTADMIN"]);

/** True when the connection ended, as against an answer of the server that says no. */
export function isConnectionLoss(error: unknown): boolean {
  const { responseStatus } = asImapError(error);
  return responseStatus !== "NO" && responseStatus !== "BAD";
}

/**
 * Says in words what went wrong with a server. The client's own error is not passed on as a cause:
 * it carries the commands that were sent.
 */
export function toAdapterError(error: unknown, server: ImapServerName): AdapterError {
  const imapError = asImapError(error);
  const { code = "" } = imapError;
  const where = `${server.host}:${server.port}`;
  const said = reasonOf(imapError, server);

  if (imapError.authenticationFailed) {
    if (passingLoginCodes.has(imapError.serverResponseCode ?? "")) {
      return new AdapterError(
        "IMAP_LOGIN_UNAVAILABLE",
        `${where} cannot check logins at the moment: ${said}`,
      );
    }
    return new AdapterError(
      "IMAP_LOGIN_REFUSED",
      `${where} refused the login of "${server.user}": ${said}`,
      {
        hint: "Check user and password in the inbox account; many providers want an app password here, or oauth2",
        retryable: false,
      },
    );
  }
  if (imapError.mailboxMissing || imapError.serverResponseCode === "NONEXISTENT") {
    return new AdapterError("IMAP_FOLDER_MISSING", `${where} has no folder "${server.folder}"`, {
      hint: "Check folders in the inbox account; the server's own spelling counts, such as INBOX/Team",
    });
  }
  if (certificateCodes.has(code)) {
    return new AdapterError(
      "IMAP_TLS_REFUSED",
      `the certificate of ${where} is not trusted: ${said}`,
      {
        hint: "Name its authority in imap.tls.ca, or the name it is made out to in imap.tls.servername",
        retryable: false,
      },
    );
  }
  if (
    imapError.tlsFailed ||
    code === "EPROTO" ||
    code.startsWith("ERR_SSL") ||
    code === "UPGRADE_TIMEOUT"
  ) {
    return new AdapterError("IMAP_TLS_REFUSED", `no encrypted connection to ${where}: ${said}`, {
      hint: "Check imap.port and imap.secure: 993 with secure true, or 143 with secure false and STARTTLS",
    });
  }
  if (unreachableCodes.has(code)) {
    return new AdapterError("IMAP_UNREACHABLE", `cannot reach ${where}: ${said}`, {
      hint: "Check imap.host and imap.port, and whether this machine has a network",
    });
  }
  if (imapError.responseStatus === "NO" || imapError.responseStatus === "BAD") {
    return new AdapterError("IMAP_COMMAND_REFUSED", `${where} refused a command: ${said}`);
  }
  return new AdapterError("IMAP_CONNECTION_LOST", `lost the connection to ${where}: ${said}`);
}

/** What the server or the system said, in one line, without the secrets. */
export function reasonOf(error: unknown, secrets: Secrets): string {
  const { responseText, message, code, reason } = asImapError(error);
  const text = responseText ?? reason ?? message ?? code ?? "";
  const line = cleanLine(withoutSecrets(text, secrets), 200).replace(/\.$/, "");
  return code && unreachableCodes.has(code) && !line.includes(code)
    ? `${line} (${code})`
    : line || "no reason given";
}

function asImapError(error: unknown): ImapFlowError {
  return error instanceof Error ? error : new Error(String(error));
}
