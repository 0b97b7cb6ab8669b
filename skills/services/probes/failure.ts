/**
 * Names errors of connections in our own words. An error's message may quote the server (a
 * certificate's names, a header line), so only its code is looked at.
 */

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before the answer was complete",
  ECONNABORTED: "connection closed before the answer was complete",
  ERR_STREAM_PREMATURE_CLOSE: "connection closed before the answer was complete",
  EPIPE: "connection closed before the answer was complete",
  ETIMEDOUT: "timed out while connecting",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name lookup failed",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  EACCES: "connection not permitted",
  EPROTO: "TLS handshake failed",
  HPE_HEADER_OVERFLOW: "headers of the answer are too large",
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not valid yet",
  CERT_REVOKED: "certificate is revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate's issuer is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "certificate's issuer is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate's issuer is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate's chain is incomplete or its issuer not trusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another host name",
};

const families: readonly (readonly [prefix: string, reason: string])[] = [
  ["HPE_", "answer is not HTTP"],
  ["ERR_SSL_", "TLS handshake failed"],
  ["Z_", "answer cannot be decompressed"],
  ["ERR__ERROR_FORMAT", "answer cannot be decompressed"],
  ["ERR_BROTLI", "answer cannot be decompressed"],
];

// This machine ran out of something: it says nothing of the service that was to be probed.
const ours = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EPERM"]);

/** One line for the owner; a code that we have no words for is given as it is. */
export function failureReason(error: unknown): string {
  const code = errorCode(error);
  if (code === undefined) return "probe failed for an unknown reason";
  const known = reasons[code];
  if (known !== undefined) return known;
  const family = families.find(([prefix]) => code.startsWith(prefix));
  return family ? family[1] : `probe failed (${code})`;
}

/** True when the probe could not be made at all, so that nothing was measured. */
export function isOurOwnFault(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && ours.has(code);
}

/** The code of the error itself, or of what it wraps (several addresses tried, a cause). */
function errorCode(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > 3) return undefined;
  if ("code" in error && typeof error.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(error.code)) {
    return error.code;
  }
  if (error instanceof AggregateError) return errorCode(error.errors[0], depth + 1);
  return "cause" in error ? errorCode(error.cause, depth + 1) : undefined;
}
