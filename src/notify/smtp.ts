import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SettingsOf } from "../config/channels.ts";
import type { Clock } from "../domain/clock.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { oneLine } from "../domain/plain-text.ts";
import { DeliveryError } from "./delivery-error.ts";
import { explainSmtp, portOf, smtpWords } from "./smtp-errors.ts";

export type SmtpServer = SettingsOf<"email">["smtp"];

interface SmtpPlace {
  readonly server: SmtpServer;
  readonly baseDir: string;
}

export interface OutgoingMail extends SmtpPlace {
  readonly from: string;
  readonly to: readonly string[];
  /** The whole message, lines ending in CRLF. */
  readonly raw: Buffer;
}

/** Each wait, and all together. */
const connectMs = 15_000;
/** Many servers look for spam before they take a message. */
const silenceMs = 60_000;
export const smtpPatienceMs = 90_000;

/**
 * Hands one message to an SMTP server.
 * @returns what the server said of each recipient that it refused; it took the message for the others
 * @throws DeliveryError; its outcome is unknown when the connection ended between the first byte of the
 *   message and the server's last word on it
 */
export async function sendMail(
  mail: OutgoingMail,
  circumstances: Circumstances,
): Promise<{ readonly refused: readonly string[] }> {
  const { server, from, to, raw } = mail;
  let handedOver = false;
  // Read only when the server has said that it is ready for the message (354).
  const message = new Readable({
    read() {
      handedOver = true;
      this.push(raw);
      this.push(null);
    },
  });
  const envelope = { from, to: [...to], size: raw.length };
  return await converse(mail, circumstances, {
    talk: async (connection) => {
      const { rejectedErrors = [] } = await sent(connection, envelope, message);
      return { refused: rejectedErrors.map((error) => smtpWords(error, server)) };
    },
    handedOver: () => handedOver,
  });
}

/**
 * Connects and logs in, as for a message, and says goodbye.
 * @throws DeliveryError
 */
export async function tryServer(place: SmtpPlace, circumstances: Circumstances): Promise<void> {
  await converse(place, circumstances, { talk: async () => undefined, handedOver: () => false });
}

interface Circumstances {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One connection from its greeting to its end; it is logged in when `talk` has it. */
async function converse<Value>(
  place: SmtpPlace,
  { clock, signal }: Circumstances,
  {
    talk,
    handedOver,
  }: {
    readonly talk: (connection: SMTPConnection) => Promise<Value>;
    /** Whether the server has begun to be given a message. */
    readonly handedOver: () => boolean;
  },
): Promise<Value> {
  const { server } = place;
  const connection = await createConnection(place);
  using deadline = linkedAbort(signal);
  using patience = linkedAbort();
  void clock.sleep(smtpPatienceMs, patience.signal).then(() => deadline.abort());
  const broken = Promise.withResolvers<never>();
  // Without a listener a late error would end the process; without this, a late rejection.
  broken.promise.catch(() => undefined);
  connection.on("error", broken.reject);
  connection.once("end", () => broken.reject(new Error("the connection was closed")));
  const stop = (): void => {
    broken.reject(new Error(signal.aborted ? "it was stopped" : "it took too long"));
    connection.close();
  };
  deadline.signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    const step = <Value>(promise: Promise<Value>) => Promise.race([promise, broken.promise]);
    await step(connected(connection));
    await step(loggedIn(connection, server));
    const value = await step(talk(connection));
    connection.quit();
    return value;
  } catch (error) {
    throw explainSmtp(error, { server, handedOver: handedOver() });
  } finally {
    patience.abort();
    deadline.signal.removeEventListener("abort", stop);
    connection.close();
  }
}

async function createConnection({ server, baseDir }: SmtpPlace): Promise<SMTPConnection> {
  const { default: Connection } = await import("nodemailer/lib/smtp-connection");
  const { host, secure, tls } = server;
  const ca = await authorityOf(server, baseDir);
  return new Connection({
    host,
    port: portOf(server),
    secure,
    // Neither password nor mail crosses a network in the clear: without TLS from the start, STARTTLS
    // is a must, except within this machine.
    ...(secure ? {} : isLoopback(host) ? { ignoreTLS: true } : { requireTLS: true }),
    tls: {
      minVersion: "TLSv1.2",
      ...(ca !== undefined && { ca }),
      ...(tls?.servername !== undefined && { servername: tls.servername }),
    },
    connectionTimeout: connectMs,
    dnsTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: silenceMs,
    maxResponseSize: 64 * 1024,
    logger: false,
  });
}

/** Literal names only, nothing is resolved. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

async function authorityOf({ tls }: SmtpServer, baseDir: string): Promise<string | undefined> {
  const ca = tls?.ca;
  if (ca === undefined || ca.includes("-----BEGIN")) return ca;
  try {
    return await readFile(resolve(baseDir, ca), "utf8");
  } catch {
    throw new DeliveryError(
      "CHANNEL_CA_UNREADABLE",
      `email: cannot read the certificate authority ${oneLine(ca, 200)}`,
      { retryable: false, hint: "Correct notify.channels.email.smtp.tls.ca" },
    );
  }
}

function connected(connection: SMTPConnection): Promise<void> {
  return new Promise((done, reject) => {
    connection.connect((error) => (error ? reject(error) : done()));
  });
}

function loggedIn(connection: SMTPConnection, { user, password }: SmtpServer): Promise<void> {
  if (user === undefined || password === undefined) return Promise.resolve();
  return new Promise((done, reject) => {
    connection.login({ user, pass: password }, (error) => (error ? reject(error) : done()));
  });
}

type Envelope = Parameters<SMTPConnection["send"]>[0];
type SendCallback = Parameters<SMTPConnection["send"]>[2];
type SendInfo = NonNullable<Parameters<SendCallback>[1]>;

function sent(
  connection: SMTPConnection,
  envelope: Envelope,
  message: Readable,
): Promise<SendInfo> {
  return new Promise((done, reject) => {
    connection.send(envelope, message, (error, info) => {
      if (info) done(info);
      else reject(error ?? new Error("the server gave no result"));
    });
  });
}
