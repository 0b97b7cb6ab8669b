import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from "node:fs/promises";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

/**
 * A real Dovecot on ephemeral loopback ports, with one user whose mail is a Maildir in a temporary
 * folder. Debian: `apt-get install dovecot-imapd`.
 */
export interface DovecotServer {
  /** Plain IMAP. */
  readonly port: number;
  /** IMAP over TLS; 0 when started without. */
  readonly tlsPort: number;
  /** PEM of the authority that signed the certificate, which is made out to `localhost`. */
  readonly ca: string;
  readonly user: string;
  readonly password: string;
  readonly maildir: string;
  /** Delivers one message; returns the name of its file. */
  addMessage(raw: string | Uint8Array, options?: { arrivedAt?: Date }): Promise<string>;
  /** Puts `count` messages into cur/ at once. */
  fill(count: number, raw: (index: number) => string | Uint8Array): void;
  /** Every file name in new/ and cur/, flags included. */
  messageFiles(): Promise<string[]>;
  /** What clients sent since the start; needs `recordCommands`. */
  commands(): Promise<string>;
  /** Gives the folder a new UIDVALIDITY and all messages new UIDs, as after a restore. */
  changeUidValidity(): Promise<void>;
  /** Takes away all mail and every folder but INBOX. */
  empty(): Promise<void>;
  /** Ends the server; the mail stays. */
  kill(): Promise<void>;
  /** Starts it again on the same ports. */
  restart(): Promise<void>;
  /** Ends the server and removes everything. */
  stop(): Promise<void>;
}

export interface DovecotOptions {
  /** Offer TLS. Default true. */
  tls?: boolean;
  /** Keep what clients send, for `commands()`. */
  recordCommands?: boolean;
  /** More lines for the end of the server's configuration, such as those of a plugin. */
  settings?: string;
}

const user = "watch";
const password = "s3cret-Passw0rd";
const binary = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].find((path) => existsSync(path));

/**
 * Whether a Dovecot can be started here; says why not in one line.
 * @throws Error when it cannot and WATCHKEEPER_REQUIRE_SERVERS=1 asks for real servers
 */
export function dovecotAvailable(): boolean {
  const missing = whatIsMissing();
  if (missing === undefined) return true;
  if (process.env["WATCHKEEPER_REQUIRE_SERVERS"] === "1")
    throw new Error(`Dovecot is required: ${missing}`);
  process.stderr.write(`Left out: tests against a real IMAP server (${missing})\n`);
  return false;
}

function whatIsMissing(): string | undefined {
  if (binary === undefined) return "install it with: apt-get install dovecot-imapd";
  if (process.getuid?.() !== 0)
    return "Dovecot starts only as root: run the tests as root to have them";
  return undefined;
}

export async function startDovecot(options: DovecotOptions = {}): Promise<DovecotServer> {
  const { tls = true, recordCommands = false, settings = "" } = options;
  const owner = mailOwner();
  const base = await mkdtemp(join(tmpdir(), "watchkeeper-dovecot-"));
  const maildir = join(base, "mail");
  const rawlog = join(base, "rawlog");
  for (const folder of ["mail", "mail/new", "mail/cur", "mail/tmp", "rawlog"]) {
    await mkdir(join(base, folder));
    await chown(join(base, folder), owner.uid, owner.gid);
  }
  await chmod(base, 0o755);
  const ca = tls ? makeCertificate(base) : "";
  const port = await freePort();
  const tlsPort = tls ? await freePort() : 0;
  await writeFile(join(base, "users"), `${user}:${password}\n`, { mode: 0o644 });
  const config = join(base, "dovecot.conf");
  const text = configText({ base, owner, port, tlsPort, recordCommands });
  await writeFile(config, `${text}${settings}`);

  let server = await launch(config, port);
  let delivered = 0;
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGTERM");
    await exited;
  };
  return {
    port,
    tlsPort,
    ca,
    user,
    password,
    maildir,
    async addMessage(raw, { arrivedAt } = {}) {
      delivered += 1;
      const name = `${Math.floor(Date.now() / 1_000)}.M${delivered}P${process.pid}.test`;
      const temporary = join(maildir, "tmp", name);
      await writeFile(temporary, raw);
      if (arrivedAt) await utimes(temporary, arrivedAt, arrivedAt);
      await rename(temporary, join(maildir, "new", name));
      return name;
    },
    fill(count, raw) {
      for (let index = 0; index < count; index += 1) {
        writeFileSync(join(maildir, "cur", `1700000000.M${index}P1.test:2,`), raw(index));
      }
    },
    async messageFiles() {
      return [...(await readdir(join(maildir, "new"))), ...(await readdir(join(maildir, "cur")))];
    },
    async commands() {
      const files = (await readdir(rawlog)).filter((name) => name.endsWith(".in"));
      return (await Promise.all(files.map((name) => readFile(join(rawlog, name), "latin1")))).join(
        "",
      );
    },
    async changeUidValidity() {
      const list = join(maildir, "dovecot-uidlist");
      const header = (await readFile(list, "latin1")).split("\n")[0] ?? "";
      const next = header
        .replace(/V(\d+)/, (_, value) => `V${Number(value) + 1}`)
        .replace(/N\d+/, "N1");
      for (const name of await readdir(maildir)) {
        if (name.startsWith("dovecot.index")) await rm(join(maildir, name));
      }
      await writeFile(list, `${next}\n`);
    },
    async empty() {
      for (const name of await readdir(maildir))
        await rm(join(maildir, name), { recursive: true, force: true });
      for (const folder of ["new", "cur", "tmp"]) {
        await mkdir(join(maildir, folder));
        await chown(join(maildir, folder), owner.uid, owner.gid);
      }
    },
    kill: end,
    async restart() {
      await end();
      server = await launch(config, port);
    },
    async stop() {
      await end();
      await rm(base, { recursive: true, force: true });
    },
  };
}

async function launch(config: string, port: number): Promise<ChildProcess> {
  const server = spawn(binary ?? "dovecot", ["-F", "-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log: string[] = [];
  const lines = createInterface({ input: server.stderr });
  await new Promise<void>((resolve, reject) => {
    server.once("exit", (code) =>
      reject(new Error(`Dovecot ended with ${code}:\n${log.join("\n")}`)),
    );
    server.once("error", reject);
    lines.on("line", (line) => {
      log.push(line);
      if (line.includes("starting up")) resolve();
    });
  });
  await warmUp(port);
  return server;
}

/** The first login after a start takes seconds, as Dovecot starts its helpers: have it behind us. */
async function warmUp(port: number): Promise<void> {
  const socket = await connected(port);
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  const untilTagged = async (tag: string) => {
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error("Dovecot closed the connection at its first login");
      if (value.startsWith(tag)) return value;
    }
  };
  await untilTagged("* OK");
  socket.write(`a LOGIN ${user} ${password}\r\n`);
  const answer = await untilTagged("a ");
  if (!answer.startsWith("a OK")) throw new Error(`Dovecot refused its test user: ${answer}`);
  socket.end("b LOGOUT\r\n");
  await once(socket, "close");
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Dovecot serves no mail as root: an unprivileged account that every Debian has. */
function mailOwner(): { uid: number; gid: number } {
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function makeCertificate(base: string): string {
  const file = (name: string) => join(base, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const run = (...parameters: string[]) =>
    execFileSync("openssl", parameters, { stdio: "pipe", encoding: "utf8" });
  run(
    "req",
    "-x509",
    ...key,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=Test authority",
  );
  run(
    "req",
    ...key,
    "-keyout",
    file("server.key"),
    "-out",
    file("server.csr"),
    "-subj",
    "/CN=localhost",
  );
  writeFileSync(file("names"), "subjectAltName=DNS:localhost\n");
  const signing = [
    "-CA",
    file("ca.pem"),
    "-CAkey",
    file("ca.key"),
    "-CAcreateserial",
    "-extfile",
    file("names"),
  ];
  run(
    "x509",
    "-req",
    "-in",
    file("server.csr"),
    ...signing,
    "-out",
    file("server.pem"),
    "-days",
    "2",
  );
  return run("x509", "-in", file("ca.pem"));
}

interface ConfigInput {
  base: string;
  owner: { uid: number; gid: number };
  port: number;
  tlsPort: number;
  recordCommands: boolean;
}

function configText({ base, owner, port, tlsPort, recordCommands }: ConfigInput): string {
  const tls = tlsPort > 0;
  return `
base_dir = ${base}/run
state_dir = ${base}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
mail_location = maildir:${base}/mail
mail_log_prefix = "imap: "
auth_mechanisms = plain login
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = ${tls ? "yes" : "no"}
${tls ? `ssl_cert = <${base}/server.pem\nssl_key = <${base}/server.key` : ""}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${base}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${base}/mail
}
first_valid_gid = 1
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = ${tls ? "yes" : "no"}
  }
}
service stats {
  chroot =
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
protocol imap {
  ${recordCommands ? `rawlog_dir = ${base}/rawlog` : ""}
}
`;
}
