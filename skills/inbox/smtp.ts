import { Readable } from "node:stream";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import { ToolError } from "watchkeeper";
import type { SmtpServer } from "./servers.ts";
import { isLoopback, readAuthority } from "./server-tls.ts";
import { explainFailure, portOf, serverWords } from "./smtp-errors.ts";
import { loggedIn, tokenLogin } from "./smtp-login.ts";

export interface SmtpPlace {
  readonly server: SmtpServer;
  readonly baseDir: string;
}

export interface Delivery extends SmtpPlace {
  readonly from: string;
  readonly to: readonly string[];
  /** The whole message, lines ending in CRLF. */
  readonly raw: Buffer;
}

export interface Delivered {
  readonly accepted: string[];
  readonly rejected: string[];
  /** What the server said of each one that it rejected. */
  readonly refusals: string[];
}

/** How long each wait may take, in milliseconds. */
export interface SmtpLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** The server may say nothing for so long: many look for spam before they take a message. */
  readonly silenceMs: number;
  readonly totalMs: number;
}

const smtpLimits: SmtpLimits = {
  connectMs: 15_000,
  greetingMs: 15_000,
  silenceMs: 60_000,
  totalMs: 90_000,
};

interface Circumstances {
  readonly signal: AbortSignal;
  readonly limits?: SmtpLimits;
}

/**
 * Hands one message to an SMTP server.
 * @throws ToolError when it was certainly not sent; AdapterError SMTP_OUTCOME_UNKNOWN when nobody can
 *   tell, because the connection ended between the first byte of the message and the last reply
 */
export async function deliver(
  delivery: Delivery,
  circumstances: Circumstances,
): Promise<Delivered> {
  const { server, from, to, raw } = delivery;
  // The client reads the message only when the server has said that it is ready for it (354).
  let handedOver = false;
  const message = new Readable({
    read() {
      handedOver = true;
      this.push(raw);
      this.push(null);
    },
  });
  const envelope = { from, to: [...to], size: raw.length };
  return await converse(delivery, circumstances, {
    async talk(connection) {
      const { accepted, rejected, rejectedErrors = [] } = await sent(connection, envelope, message);
      const refusals = rejectedErrors.map((error) => serverWords(error, server));
      return { accepted, rejected, refusals };
    },
    handedOver: () => handedOver,
  });
}

/**
 * Connects and logs in, as for a message, and says goodbye.
 * @throws ToolError
 */
export async function tryServer(place: SmtpPlace, circumstances: Circumstances): Promise<void> {
  await converse(place, circumstances, { talk: async () => undefined, handedOver: () => false });
}

interface Conversation<Value> {
  /** What is done once the server has let us in. */
  readonly talk: (connection: SMTPConnection) => Promise<Value>;
  /** Whether the server has begun to be given a message. */
  readonly handedOver: () => boolean;
}

/** A token that the server refuses may have been taken back before its time: one more try with a new one. */
async function converse<Value>(
  place: SmtpPlace,
  { signal, limits = smtpLimits }: Circumstances,
  conversation: Conversation<Value>,
): Promise<Value> {
  const { server } = place;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)]);
  const patience = { signal, deadline, limits };
  const token = await tokenFor(server, patience);
  try {
    return await converseOnce(place, { token, patience }, conversation);
  } catch (error) {
    const refused = error instanceof ToolError && error.code === "SMTP_LOGIN_REFUSED";
    if (token === undefined || !refused) throw error;
    const another = await tokenFor(server, patience, token);
    return await converseOnce(place, { token: another, patience }, conversation);
  }
}

interface Patience {
  /** Aborted when whoever called wants it no more. */
  readonly signal: AbortSignal;
  /** Aborted then, and when it has taken too long. */
  readonly deadline: AbortSignal;
  readonly limits: SmtpLimits;
}

async function tokenFor(
  server: SmtpServer,
  { signal, deadline }: Patience,
  refused?: string,
): Promise<string | undefined> {
  try {
    return await server.tokens?.token(deadline, refused);
  } catch (error) {
    throw explainFailure(error, { server, handedOver: false, stopped: signal.aborted });
  }
}

async function converseOnce<Value>(
  place: SmtpPlace,
  { token, patience }: { readonly token: string | undefined; readonly patience: Patience },
  { talk, handedOver }: Conversation<Value>,
): Promise<Value> {
  const { server } = place;
  const { signal, deadline, limits } = patience;
  const connection = await createConnection(place, limits);
  const broken = Promise.withResolvers<never>();
  // Without a listener a late error would end the process; without this, a late rejection.
  broken.promise.catch(() => undefined);
  connection.on("error", broken.reject);
  connection.once("end", () => broken.reject(new Error("the connection was closed")));
  const stop = () => {
    broken.reject(new Error(signal.aborted ? "it was stopped" : "it took too long"));
    connection.close();
  };
  deadline.addEventListener("abort", stop, { once: true });
  try {
    if (deadline.aborted) stop();
    const step = <Value>(promise: Promise<Value>) => Promise.race([promise, broken.promise]);
    await step(connected(connection));
    await step(loggedIn(connection, server, token));
    const value = await step(talk(connection));
    connection.quit();
    return value;
  } catch (error) {
    throw explainFailure(error, { server, handedOver: handedOver(), stopped: signal.aborted });
  } finally {
    deadline.removeEventListener("abort", stop);
    connection.close();
  }
}

async function createConnection(
  { server, baseDir }: SmtpPlace,
  limits: SmtpLimits,
): Promise<SMTPConnection> {
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
      ...(ca === undefined ? {} : { ca }),
      ...(tls?.servername === undefined ? {} : { servername: tls.servername }),
    },
    connectionTimeout: limits.connectMs,
    dnsTimeout: limits.connectMs,
    greetingTimeout: limits.greetingMs,
    socketTimeout: limits.silenceMs,
    maxResponseSize: 64 * 1024,
    customAuth: tokenLogin,
    logger: false,
  });
}

async function authorityOf({ tls }: SmtpServer, baseDir: string): Promise<string | undefined> {
  if (tls?.ca === undefined) return undefined;
  try {
    return await readAuthority(tls.ca, baseDir);
  } catch {
    throw new ToolError("SMTP_CA_UNREADABLE", `cannot read the certificate authority ${tls.ca}`, {
      hint: "Nothing was sent; the owner must correct smtp.tls.ca in the inbox account",
    });
  }
}

function connected(connection: SMTPConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
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
  return new Promise((resolve, reject) => {
    connection.send(envelope, message, (error, info) => {
      if (info) resolve(info);
      else reject(error ?? new Error("the server gave no result"));
    });
  });
}
