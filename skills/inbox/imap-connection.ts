import type { ImapFlow, ImapFlowError } from "imapflow";
import { AdapterError, ConfigError, ToolError } from "watchkeeper";
import { type ImapServer, secretsOf } from "./servers.ts";
import { reasonOf, toAdapterError, type ImapServerName } from "./imap-errors.ts";
import type { FolderState } from "./imap-plan.ts";
import { sourceLimit } from "./mailbox.ts";
import { isLoopback, readAuthority } from "./server-tls.ts";

export interface OpenFolder {
  readonly client: ImapFlow;
  readonly folder: FolderState;
}

/** Names a server for error texts. */
function nameServer(server: ImapServer, folder = "INBOX"): ImapServerName {
  const { host, port, secure } = server;
  return { ...secretsOf(server), host, port: port ?? (secure ? 993 : 143), folder };
}

export interface ImapContext {
  readonly baseDir: string;
  readonly signal: AbortSignal;
  /** The folder that the work is about, for error texts. */
  readonly folder?: string;
  /** The connection is there to wait: silence is no fault of the server's. */
  readonly waits?: boolean;
}

/**
 * Connects, does `work`, logs out. Every wait is bounded, and `signal` closes the connection at once.
 * @throws AdapterError for whatever goes wrong with the server; what `signal` was aborted with
 */
export async function withClient<Result>(
  server: ImapServer,
  context: ImapContext,
  work: (client: ImapFlow) => Promise<Result>,
): Promise<Result> {
  const { signal, folder } = context;
  signal.throwIfAborted();
  let client: ImapFlow | undefined;
  const close = () => client?.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    client = await connect(server, context, (made) => {
      client = made;
    });
    const result = await work(client);
    // What was learned counts, however the goodbye goes.
    await client.logout().catch(() => undefined);
    return result;
  } catch (error) {
    signal.throwIfAborted();
    // What the work itself says of it stays as it is.
    if (error instanceof AdapterError || error instanceof ToolError) throw error;
    throw toAdapterError(error, nameServer(server, folder));
  } finally {
    signal.removeEventListener("abort", close);
    client?.close();
  }
}

/** A token that the server refuses may have been taken back before its time: one more try with a new one. */
async function connect(
  server: ImapServer,
  context: ImapContext,
  onMade: (client: ImapFlow) => void,
): Promise<ImapFlow> {
  const open = async (token: string | undefined) => {
    const client = await createClient(server, context, token);
    // Without a listener a late socket error would end the process; commands reject by themselves.
    client.on("error", () => undefined);
    onMade(client);
    context.signal.throwIfAborted();
    await client.connect();
    return client;
  };
  const token = await server.tokens?.token(context.signal);
  try {
    return await open(token);
  } catch (error) {
    const refused = error instanceof Error && "authenticationFailed" in error;
    if (server.tokens === undefined || !refused) throw error;
    return open(await server.tokens.token(context.signal, token));
  }
}

/** {@link withClient}, with a folder opened. */
export async function withFolder<Result>(
  server: ImapServer,
  context: ImapContext & { readonly folder: string },
  work: (open: OpenFolder) => Promise<Result>,
): Promise<Result> {
  return withClient(server, context, async (client) =>
    work({ client, folder: await openFolder(client, context.folder) }),
  );
}

/** Opens a folder, for reading only unless said. */
export async function openFolder(
  client: ImapFlow,
  path: string,
  readOnly = true,
): Promise<FolderState> {
  const mailbox = await client.mailboxOpen(path, { readOnly });
  const uidNext = mailbox.uidNext || (await highestUid(client, mailbox.exists)) + 1;
  return { uidValidity: String(mailbox.uidValidity ?? 0), uidNext, exists: mailbox.exists };
}

const refusals = new WeakMap<ImapFlow, string>();

/** What the server said when it last refused a command; the client keeps it from its callers. */
export function lastRefusal(client: ImapFlow): string | undefined {
  return refusals.get(client);
}

async function createClient(
  server: ImapServer,
  { baseDir, waits = false }: ImapContext,
  token: string | undefined,
): Promise<ImapFlow> {
  const { ImapFlow } = await import("imapflow");
  const { host, port, user } = nameServer(server);
  const ca = await authorityOf(server, baseDir);
  const ignore = () => undefined;
  const client: ImapFlow = new ImapFlow({
    host,
    port,
    secure: server.secure,
    // The password never crosses a network in the clear: without TLS from the start, STARTTLS is a
    // must, except within this machine.
    ...(server.secure ? {} : { doSTARTTLS: !isLoopback(host) }),
    ...(server.tls?.servername === undefined ? {} : { servername: server.tls.servername }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    auth:
      token === undefined ? { user, pass: server.password ?? "" } : { user, accessToken: token },
    clientInfo: { name: "watchkeeper" },
    disableAutoIdle: true,
    // Of its log only the words of a refusal are wanted; the rest holds what was sent.
    logger: {
      ...{ trace: ignore, debug: ignore, info: ignore, error: ignore },
      warn: ({ err }: { err?: ImapFlowError }) => {
        if (err?.responseStatus === "NO" || err?.responseStatus === "BAD")
          refusals.set(client, reasonOf(err, secretsOf(server)));
      },
    },
    connectionTimeout: 15_000,
    greetingTimeout: 10_000,
    // IDLE is begun anew within the half hour after which servers give up, and often enough for a
    // connection that is dead to be found out.
    socketTimeout: waits ? 6 * 60_000 : 20_000,
    ...(waits && { maxIdleTime: 5 * 60_000 }),
    // A search over a million messages answers in one line of about eight megabytes.
    maxLineLength: 32 * 1024 * 1024,
    maxLiteralSize: 2 * sourceLimit,
    maxResponseSize: 64 * 1024 * 1024,
  });
  return client;
}

/** For servers that do not say UIDNEXT. */
async function highestUid(client: ImapFlow, exists: number): Promise<number> {
  if (exists === 0) return 0;
  const newest = await client.fetchOne("*", { uid: true });
  return newest === false ? 0 : newest.uid;
}

async function authorityOf({ tls }: ImapServer, baseDir: string): Promise<string | undefined> {
  if (tls?.ca === undefined) return undefined;
  try {
    return await readAuthority(tls.ca, baseDir);
  } catch (error) {
    throw new ConfigError("IMAP_CA_UNREADABLE", `cannot read the certificate authority ${tls.ca}`, {
      hint: "Check imap.tls.ca in the inbox account",
      cause: error,
    });
  }
}
