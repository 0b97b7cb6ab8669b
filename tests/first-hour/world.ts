import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { checkout, runProcess } from "../ground/miniature.ts";
import { startDovecot, type DovecotServer } from "../servers/dovecot.ts";
import { freePort } from "../servers/free-port.ts";

/**
 * A new user's machine: a home with the packed tarball in it, Node 24 and npm, and a mail server that
 * the page calls `imap.example.com`.
 */
export interface World extends AsyncDisposable {
  readonly home: string;
  readonly environment: Record<string, string>;
  /** What a command of the page is called here. */
  here(command: string): string;
  /** What was seen here, as the page says it. */
  onPage(output: string): string;
  /** Something that happens by itself, as the page names it. */
  readonly events: Readonly<Record<string, () => Promise<void>>>;
}

const pageHome = "/home/ada";
const pageServer = "imap.example.com";

export async function createWorld(): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), "watchkeeper-first-hour-"));
  const dovecot = await startDovecot();
  const ca = join(home, ".ca.pem");
  await writeFile(ca, dovecot.ca);
  const programs = join(home, ".programs");
  await mkdir(programs);
  await symlink(process.execPath, join(programs, "node"));
  const environment = {
    // Node 24 before whatever else is called node; what npm installs goes into the home.
    PATH: [programs, join(home, ".local/bin"), process.env.PATH ?? ""].join(":"),
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "xterm",
    TZ: "Europe/Berlin",
    NO_COLOR: "1",
    NODE_EXTRA_CA_CERTS: ca,
    npm_config_prefix: join(home, ".local"),
    npm_config_cache: join(tmpdir(), "watchkeeper-npm-cache"),
    ...{ npm_config_fund: "false", npm_config_audit: "false", npm_config_update_notifier: "false" },
    npm_config_prefer_offline: "true",
    ...(await npmSettings()),
  };
  await pack(home);
  const address = `localhost:${dovecot.tlsPort}`;
  const pagePort = await freePort();
  return {
    home,
    environment,
    here: (command) => command.replaceAll(pageServer, address),
    onPage: (output) =>
      output
        .replaceAll(address, pageServer)
        .replaceAll(String(pagePort), "7373")
        .replaceAll(String(dovecot.tlsPort), "993")
        .replaceAll("localhost", pageServer)
        .replaceAll(home, pageHome),
    events: {
      "the password is in the file": async () =>
        writeFile(join(home, "watch/imap-password"), `${dovecot.password}\n`, { mode: 0o600 }),
      // Whoever else tests here may have the usual one.
      "the port of the page is free": async () => givePage(join(home, "watch"), pagePort),
      "nothing is due for a while": async () => nothingIsDue(environment, join(home, "watch")),
      "a mail arrives": async () => deliver(dovecot),
    },
    async [Symbol.asyncDispose]() {
      await dovecot.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Longer than what is typed while the daemon runs takes. */
const quietMs = 60_000;

/** A look at its time, between two that are asked for, would be one more in what is shown. */
async function nothingIsDue(environment: Record<string, string>, folder: string): Promise<void> {
  for (;;) {
    const asked = ["status", "--json"];
    const { stdout } = await runProcess("watchkeeper", asked, environment, folder);
    const { beat } = JSON.parse(stdout) as { beat: { next: string | null } };
    if (Date.parse(beat.next ?? "") - Date.now() > quietMs) return;
    await pause(1_000);
  }
}

/** Where this machine takes packages from holds for the new user, too. */
async function npmSettings(): Promise<Record<string, string>> {
  const { stdout } = await runProcess(
    "npm",
    ["config", "get", "userconfig", "globalconfig"],
    process.env,
    checkout,
  );
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => [
        `npm_config_${line.slice(0, line.indexOf("="))}`,
        line.slice(line.indexOf("=") + 1),
      ]),
  );
}

async function pack(folder: string): Promise<void> {
  const packed = await runProcess(
    "npm",
    ["pack", "--silent", "--pack-destination", folder],
    process.env,
    checkout,
  );
  const made = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (packed.exitCode !== 0 || made.length !== 1) throw new Error(packed.stderr);
}

const deliver = async (dovecot: DovecotServer): Promise<void> => {
  const lines = [
    "From: Claire Dumont <claire@tidewater.example>",
    "To: ada@example.com",
    `Date: ${new Date().toUTCString()}`,
    "Message-ID: <first@tidewater.example>",
    "Subject: The contract, for your signature by Friday",
    "",
    "Dear Ada, the contract is ready. Could you sign it by Friday?",
  ];
  await dovecot.addMessage(`${lines.join("\r\n")}\r\n`);
};

async function givePage(folder: string, port: number): Promise<void> {
  const path = join(folder, "agent.config.ts");
  const config = await readFile(path, "utf8");
  const begin = "defineConfig({";
  if (!config.includes(begin)) throw new Error(`not as expected:\n${config}`);
  await writeFile(path, config.replace(begin, `${begin} web: { port: ${port} },`));
}
