import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { AdapterError, describeError, ToolError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { Scrub } from "../domain/scrub.ts";
import { toolsCheck, type ToolServerState } from "../domain/tool-server.ts";
import { defineTool, type SkillLog } from "../skills/define.ts";
import { loadTool, type LoadedTool } from "../skills/load.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { connect as connectTo, type Connection } from "./connection.ts";
import { readTools, type ListedTool } from "./listed-tools.ts";
import { resultText } from "./result-text.ts";
import { wordOn, type ServerSettings, type ToolWord } from "./settings.ts";

/**
 * The MCP servers of the configuration, each kept by itself: one that dies, hangs or talks nonsense is
 * tried again with growing waits, and takes nothing with it but its own tools.
 */

export interface McpServers extends AsyncDisposable {
  /** Tools of servers that are connected and that the owner has accepted, by name. */
  tools(): Promise<LoadedTool[]>;
  /** Resolves when every server was reached or has failed once, at the latest after the bound. */
  triedOnce(boundMs: number): Promise<void>;
}

export interface McpDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly scrub: Scrub;
  /** Our version, for the servers' logs. */
  readonly version: string;
  /** Names of tools that are there anyway. */
  readonly taken: ReadonlySet<string>;
  /** Called when {@link McpServers.tools} may have others than before. */
  readonly changed: () => void;
  readonly connect?: typeof connectTo;
}

const firstWaitMs = 5_000;
const longestWaitMs = 5 * 60_000;
/** A connection that has lasted so long was a good one. */
const steadyMs = 60_000;
/** After so many failures in a row the owner hears of it. */
const failuresToTell = 3;
const largestInput = 100_000;

export function watchServers(
  servers: readonly ServerSettings[],
  dependencies: McpDependencies,
): McpServers {
  const stopping = new AbortController();
  const kept = servers.map((settings) => keepServer(settings, dependencies, stopping.signal));
  const { store, clock } = dependencies;
  return {
    async tools() {
      if (kept.length === 0) return [];
      const accepted = new Map((await store.listToolPins()).map(({ name, hash }) => [name, hash]));
      const tools = kept
        .flatMap((server) => server.tools())
        .filter(({ listed }) => accepted.get(listed.name) === listed.hash)
        .map(({ listed, loaded }) => [listed.name, loaded] as const);
      // Two servers may come to the same name; it is one of them that was accepted under it.
      return [...new Map(tools).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async triedOnce(boundMs) {
      if (kept.length === 0) return;
      const patience = new AbortController();
      const all = Promise.all(kept.map((server) => server.triedOnce));
      await Promise.race([all, clock.sleep(boundMs, patience.signal)]);
      patience.abort();
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(kept.map((server) => server.ended));
    },
  };
}

interface HeldTool {
  readonly listed: ListedTool;
  readonly loaded: LoadedTool;
}

interface KeptServer {
  /** Empty while it is not connected. */
  tools(): readonly HeldTool[];
  readonly triedOnce: Promise<void>;
  readonly ended: Promise<void>;
}

function keepServer(
  settings: ServerSettings,
  dependencies: McpDependencies,
  stopping: AbortSignal,
): KeptServer {
  const { store, clock, version, scrub, taken, changed, connect = connectTo } = dependencies;
  const { name, timeoutMs } = settings;
  const log = dependencies.log.child({ mcp: name });
  const triedOnce = Promise.withResolvers<void>();
  let held: readonly HeldTool[] = [];
  let connected: Connection | undefined;
  let failures = 0;
  let failingSince: number | null = null;
  /** When the present connection had its tools, or null. */
  let readyAt: number | null = null;
  let mode: "legacy" | "auto" = "legacy";

  const within = async <Result>(
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    using working = linkedAbort(stopping);
    using timer = linkedAbort(stopping);
    const late = clock.sleep(timeoutMs, timer.signal).then((): never => {
      throw new Error(
        stopping.aborted ? "stopped" : `no answer within ${formatDuration(timeoutMs)}`,
      );
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([work(working.signal), late]);
    } finally {
      timer.abort();
      working.abort();
    }
  };

  const note = async (state: ToolServerState, error: string | null) => {
    const changedAt = failingSince ?? readyAt ?? clock.now();
    await store.recordToolServer({ name, state, error, changedAt });
  };

  async function adopt(connection: Connection): Promise<void> {
    const { tools, notes } = readTools(
      settings,
      await within((signal) => connection.listTools(signal)),
      taken,
    );
    for (const line of notes) log.warn({ note: line }, "an MCP tool is left out");
    const pins = await store.pinTools(
      tools.map(({ name: tool, server, hash, definition }) => ({
        ...{ name: tool, server, hash, definition },
      })),
      clock.now(),
    );
    const calling = {
      timeoutMs,
      log: quietLog(log),
      /** Another description is another tool, and the owner has not accepted it. */
      connectionFor: ({ name: tool, hash }: ListedTool) =>
        held.some(({ listed }) => listed.name === tool && listed.hash === hash)
          ? connected
          : undefined,
    };
    held = tools.flatMap((listed) => {
      const word = wordOn(settings.tools, listed.remoteName);
      return word === false ? [] : { listed, loaded: loadRemote(listed, word, calling) };
    });
    for (const { name: tool, offeredHash } of pins) {
      const finding = { check: toolsCheck, key: tool, at: clock.now() };
      if (offeredHash === null) await store.resolveOwnFinding(finding);
      else await store.setOwnFinding(changedTool(finding, name));
    }
    changed();
    readyAt ??= clock.now();
    failingSince = null;
    const problems = notes.length > 0 ? notes.slice(0, 5).join("; ") : null;
    await note("ready", problems);
  }

  /** One connection, from its beginning to its end. @throws why it ended */
  async function hold(): Promise<void> {
    let others = Promise.withResolvers<void>();
    const connecting = { version, mode, toolsChanged: () => others.resolve() };
    let connection: Connection | undefined;
    const stopped = Promise.withResolvers<string>();
    const stop = () => stopped.resolve("stopped");
    stopping.addEventListener("abort", stop, { once: true });
    try {
      connection = await within((signal) => connect(settings, { ...connecting, signal }));
      connected = connection;
      await adopt(connection);
      await store.resolveOwnFinding({ check: toolsCheck, key: `server ${name}`, at: clock.now() });
      log.info({ tools: held.length }, "an MCP server is connected");
      triedOnce.resolve();
      for (;;) {
        const end = await Promise.race([connection.ended, stopped.promise, others.promise]);
        if (typeof end === "string") throw new Error(end);
        others = Promise.withResolvers<void>();
        // A server that says so all the time is asked once a second at most.
        await clock.sleep(1_000, stopping);
        if (!stopping.aborted) await adopt(connection);
      }
    } finally {
      stopping.removeEventListener("abort", stop);
      held = [];
      connected = undefined;
      changed();
      await connection?.close();
    }
  }

  async function keep(): Promise<void> {
    while (!stopping.aborted) {
      try {
        if (failures === 0) await note("connecting", null);
        await hold();
      } catch (error) {
        if (stopping.aborted) break;
        const now = clock.now();
        // One that dies soon after each start is no better than one that does not start.
        if (readyAt !== null && now - readyAt >= steadyMs) failures = 0;
        if (readyAt === null) mode = mode === "legacy" ? "auto" : "legacy";
        readyAt = null;
        failures += 1;
        failingSince ??= now;
        const words = scrub(describeError(error));
        log.warn({ error: words }, "an MCP server cannot be used");
        await tellFailure(words);
      } finally {
        triedOnce.resolve();
      }
      await clock.sleep(Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1)), stopping);
    }
  }

  async function tellFailure(words: string): Promise<void> {
    try {
      await note("failed", words);
      if (failures === failuresToTell) await store.setOwnFinding(awayServer(name, clock.now()));
    } catch (error) {
      log.error({ error: describeError(error) }, "the state of an MCP server could not be saved");
    }
  }

  return { tools: () => held, triedOnce: triedOnce.promise, ended: keep() };
}

/** A listed tool as one of ours: policy decides on it as on any other. */
function loadRemote(
  listed: ListedTool,
  word: Exclude<ToolWord, false>,
  {
    connectionFor,
    timeoutMs,
    log,
  }: {
    connectionFor: (tool: ListedTool) => Connection | undefined;
    timeoutMs: number;
    log: SkillLog;
  },
): LoadedTool {
  const { server, name, remoteName, description, input } = listed;
  const part = name.slice(server.length + 1);
  const tool = defineTool({
    description,
    effect: word.effect,
    input,
    ...(word.trust ? { trust: word.trust } : {}),
    async run(given, { signal }) {
      if (JSON.stringify(given).length > largestInput) {
        throw new ToolError("MCP_INPUT_TOO_LARGE", "the arguments are larger than 100 KB");
      }
      const connection = connectionFor(listed);
      if (!connection) {
        throw new ToolError("MCP_TOOL_AWAY", `${name} is not there at present; nothing was done`, {
          hint: "Go on without it",
        });
      }
      let answer: unknown;
      try {
        answer = await connection.callTool(remoteName, given, signal);
      } catch (cause) {
        // Whether the server did it before it fell silent, nobody knows.
        throw new AdapterError("MCP_CALL_FAILED", `the MCP server ${server} gave no answer`, {
          cause,
        });
      }
      const { text, failed } = resultText(answer);
      if (failed) throw new ToolError("MCP_TOOL_FAILED", `the MCP server ${server} says: ${text}`);
      return text;
    },
  });
  return { ...loadTool({ skill: server, part, tool, log }), name, timeoutMs };
}

function changedTool(
  { check, key, at }: { check: string; key: string; at: number },
  server: string,
) {
  return {
    ...{ check, key, at },
    severity: "warning" as const,
    title: `The tool ${key} is withheld: it says something else of itself than you accepted`,
    text: `The MCP server ${server} has changed its description or its input. \`watchkeeper skills accept ${server} --show\` shows how; without --show you accept it.`,
  };
}

function awayServer(name: string, at: number) {
  return {
    ...{ check: toolsCheck, key: `server ${name}`, at },
    severity: "warning" as const,
    title: `The MCP server ${name} cannot be used`,
    text: `Its tools are not there for the agent. It is tried again every few minutes; \`watchkeeper skills\` shows the error.`,
  };
}

function quietLog(log: Log): SkillLog {
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
  };
}
