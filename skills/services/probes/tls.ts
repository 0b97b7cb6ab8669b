import { isIP } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";
import type { HostFinder } from "../resolve-host.ts";
import type { TlsTarget } from "../target.ts";
import { failureReason } from "./failure.ts";
import { elapsedMs } from "./probe.ts";
import type { CertificateFacts, Probe } from "./probe.ts";
import { whenOpened } from "./socket.ts";

const dayMs = 86_400_000;
const urgentDays = 3;
const longestChain = 10;

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
export function describeExpiry({ daysLeft, ofIssuer }: CertificateFacts): string {
  const which = ofIssuer ? "a certificate in the chain" : "certificate";
  if (daysLeft < 0) return `${which} expired ${days(-daysLeft)} ago`;
  return daysLeft === 0 ? `${which} expires within a day` : `${which} expires in ${days(daysLeft)}`;
}

const days = (count: number): string => (count === 1 ? "1 day" : `${count} days`);

interface Handshake {
  /** With those that vouch for it. */
  readonly peer: DetailedPeerCertificate;
  /** Code of what is wrong with the chain, in OpenSSL's words. */
  readonly verifyError: string | undefined;
}

function handshake(
  { host, port }: TlsTarget,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<Handshake> {
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
  return whenOpened(
    socket,
    "secureConnect",
    () => ({ peer: socket.getPeerCertificate(true), verifyError: verifyErrorOf(socket) }),
    signal,
  );
}

// Typed as an Error, but a code at run time.
function verifyErrorOf(socket: TLSSocket): string | undefined {
  const error: unknown = socket.authorizationError;
  if (typeof error === "string") return error;
  return error ? "CERT_REJECTED" : undefined;
}

/** Of the one in the chain that ends first: with it ends the whole. */
function certificateFacts(
  peer: DetailedPeerCertificate,
  now: number,
): CertificateFacts | undefined {
  // Without a certificate the object is empty, whatever its type says.
  const own = Date.parse(peer.valid_to ?? "");
  if (Number.isNaN(own)) return undefined;
  const daysUntil = (end: number): number => Math.floor((end - now) / dayMs);
  const first = Math.min(...issuersOf(peer).map((issuer) => Date.parse(issuer.valid_to)));
  // One that is over already makes the chain untrusted, which is told as such.
  return first < own && first >= now
    ? { validTo: first, daysLeft: daysUntil(first), ofIssuer: true }
    : { validTo: own, daysLeft: daysUntil(own) };
}

/** Those between the certificate and the one that signed itself, which this machine knows by itself. */
function issuersOf(peer: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const issuers: DetailedPeerCertificate[] = [];
  const isRoot = (one: DetailedPeerCertificate): boolean =>
    one.issuerCertificate === undefined ||
    one.issuerCertificate.fingerprint256 === one.fingerprint256;
  let next: DetailedPeerCertificate | undefined = peer.issuerCertificate;
  while (next && !isRoot(next) && issuers.length < longestChain) {
    issuers.push(next);
    next = next.issuerCertificate;
  }
  return issuers;
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
