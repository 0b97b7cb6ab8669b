import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerSession } from "smtp-server";

/** A real SMTP server on an ephemeral loopback port that keeps what it is given. */
export interface MailServer {
  readonly port: number;
  /** PEM of its self-signed certificate, made out to `localhost`; empty without TLS. */
  readonly ca: string;
  readonly user: string;
  readonly password: string;
  readonly received: ReceivedMail[];
  /** The mechanism of each login that was tried. */
  readonly logins: string[];
  stop(): Promise<void>;
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: string[];
  readonly raw: Buffer;
  /** Encrypted when it arrived. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface MailServerOptions {
  /** TLS from the start, STARTTLS, or neither. Default: neither. */
  tls?: "start" | "starttls" | "none";
  /** Ask for a login. Default true with TLS. */
  login?: boolean;
  /** Takes access tokens too (XOAUTH2), those that this says yes to; refuses with a challenge or at once. */
  tokens?: { accepts: (token: string) => boolean; refusal: "challenge" | "at once" };
  /** The answer to a recipient: an error's `responseCode` and message, or nothing when it is taken. */
  refuseRecipient?: (address: string) => Error | undefined;
  /** The answer to the message, after it was read whole. */
  refuseMessage?: () => Error | undefined;
}

const user = "me";
const password = "s3cret-Passw0rd";

/** Where it is missing, tests with TLS are left out by name. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { tls = "none", tokens, refuseRecipient, refuseMessage } = options;
  const { login = tls !== "none" || tokens !== undefined } = options;
  const pair = tls === "none" ? undefined : makeCertificate();
  const received: ReceivedMail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    secure: tls === "start",
    ...(pair ?? {}),
    logger: false,
    disableReverseLookup: true,
    disabledCommands: [...(tls === "starttls" ? [] : ["STARTTLS"]), ...(login ? [] : ["AUTH"])],
    authOptional: !login,
    authMethods: ["PLAIN", "LOGIN", ...(tokens === undefined ? [] : ["XOAUTH2"])],
    closeTimeout: 100,
    onAuth(auth, _session, callback) {
      const { accessToken = "" } = auth;
      logins.push(auth.method);
      const isGood =
        auth.method === "XOAUTH2" ? tokens?.accepts(accessToken) : auth.password === password;
      if (auth.username === user && isGood === true) callback(null, { user });
      else if (auth.method === "XOAUTH2" && tokens?.refusal === "challenge")
        callback(null, { data: { status: "401", schemes: "bearer" } });
      // A server that repeats what it was given.
      else callback(refusal(535, `5.7.8 ${auth.password ?? accessToken} is wrong`));
    },
    onRcptTo({ address }, _session, callback) {
      callback(refuseRecipient?.(address));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.once("end", () => {
        const error = refuseMessage?.();
        if (error === undefined) received.push(receivedMail(session, Buffer.concat(chunks)));
        callback(error);
      });
    },
  });
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    ca: pair?.cert ?? "",
    user,
    password,
    received,
    logins,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** An answer that is no. */
export function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function receivedMail(session: SMTPServerSession, raw: Buffer): ReceivedMail {
  const { mailFrom, rcptTo } = session.envelope;
  return {
    from: mailFrom === false ? "" : mailFrom.address,
    to: rcptTo.map(({ address }) => address),
    raw,
    secure: session.secure,
    user: typeof session.user === "string" ? session.user : undefined,
  };
}

function makeCertificate(): { key: string; cert: string } {
  const base = mkdtempSync(join(tmpdir(), "watchkeeper-smtp-"));
  try {
    writeFileSync(join(base, "config"), "[req]\ndistinguished_name=name\n[name]\n");
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const files = ["-keyout", "key.pem", "-out", "cert.pem", "-config", "config"];
    execFileSync("openssl", ["req", "-x509", ...key, ...files, "-days", "2", ...names], {
      cwd: base,
      stdio: "pipe",
    });
    const read = (name: string) => readFileSync(join(base, name), "utf8");
    return { key: read("key.pem"), cert: read("cert.pem") };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
