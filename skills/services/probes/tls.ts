import { isIP } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { HostFinder } from "../resolve-host.ts";
import type { TlsTarget } from "../target.ts";
import { failureReason } from "./failure.ts";
import { elapsedMs } from "./probe.ts";
import type { CertificateFacts, Probe } from "./probe.ts";

const dayMs = 86_400_000;
const urgentDays = 3;

/** Shakes hands, looks at the certificate, and hangs up; nothing is sent over the connection. */
export const probeTls: Probe<TlsTarget> = async (target, { signal, now, workshop }) => {
  signal.throwIfAborted();
  const started = performance.now();
  const { peer, verifyError } = await handshake(target, signal, workshop.hosts);
  const ms = elapsedMs(started);
  const certificate = certificateFacts(peer, now.getTime());
  if (!certificate) {
    return { ok: false, ms, fault: "down", reason: "server showed no readable certificate" };
  }
  const invalid = invalidity(target.host, peer, certificate, verifyError);
  if (invalid !== undefined) {
    return { ok: false, ms, fault: "down", reason: invalid, certificate };
  }
  const words = describeExpiry(certificate);
  return expiryStage(certificate, target.warnDays) === "far"
    ? { ok: true, ms, detail: words, certificate }
    : { ok: false, ms, fault: "expiry", reason: words, certificate };
};

/** How near the end is: `far` is nobody's worry, below three days is `urgent` whatever `warnDays` says. */
export function expiryStage(
  { daysLeft }: CertificateFacts,
  warnDays: number,
): "far" | "soon" | "urgent" | "expired" {
  if (daysLeft < 0) return "expired";
  if (daysLeft < urgentDays) return "urgent";
  return daysLeft < warnDays ? "soon" : "far";
}

/** `certificate expires in 5 days` */
export function describeExpiry({ daysLeft }: CertificateFacts): string {
  if (daysLeft < 0) return `certificate expired ${days(-daysLeft)} ago`;
  return daysLeft === 0
    ? "certificate expires within a day"
    : `certificate expires in ${days(daysLeft)}`;
}

const days = (count: number): string => (count === 1 ? "1 day" : `${count} days`);

interface Handshake {
  readonly peer: PeerCertificate;
  /** Code of what is wrong with the chain, in OpenSSL's words. */
  readonly verifyError: string | undefined;
}

async function handshake(
  { host, port }: TlsTarget,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<Handshake> {
  const { promise, resolve, reject } = Promise.withResolvers<Handshake>();
  const socket = connect({
    host,
    port,
    lookup: hosts.lookup(signal),
    // A name is sent to the server, an address must not be.
    ...(isIP(host) ? {} : { servername: host }),
    // A certificate that is wrong is what we came to look at; nothing is sent over the connection.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const abort = (): void => {
    socket.destroy();
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  socket.once("secureConnect", () => {
    resolve({ peer: socket.getPeerCertificate(), verifyError: verifyErrorOf(socket) });
  });
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

// Typed as an Error, but a code at run time.
function verifyErrorOf(socket: TLSSocket): string | undefined {
  const error: unknown = socket.authorizationError;
  if (typeof error === "string") return error;
  return error ? "CERT_REJECTED" : undefined;
}

function certificateFacts(peer: PeerCertificate, now: number): CertificateFacts | undefined {
  // Without a certificate the object is empty, whatever its type says.
  const validTo = Date.parse(peer.valid_to ?? "");
  if (Number.isNaN(validTo)) return undefined;
  return { validTo, daysLeft: Math.floor((validTo - now) / dayMs) };
}

/** What is wrong with the certificate apart from its own running out, which is told as expiry. */
function invalidity(
  host: string,
  peer: PeerCertificate,
  certificate: CertificateFacts,
  verifyError: string | undefined,
): string | undefined {
  if (checkServerIdentity(host, peer)) return "certificate is for another host name";
  if (verifyError === undefined) return undefined;
  if (verifyError !== "CERT_HAS_EXPIRED") return failureReason({ code: verifyError });
  return certificate.daysLeft < 0 ? undefined : "a certificate in the chain has expired";
}
