import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { defineTool, z } from "watchkeeper";
import {
  callTools,
  FakeClock,
  reportAll,
  startScriptedModel,
  type ScriptedModel,
} from "watchkeeper/testing";
import { resolveConfig, type WebSettings } from "../../src/config/load.ts";
import { silentLog } from "../../src/telemetry/log.ts";
import { offerWeb } from "../../src/web/offer.ts";
import type { WebLimits } from "../../src/web/server.ts";
import { makeToken } from "../../src/web/token.ts";
import type { Play } from "../daemon/fixtures/skills/stage/index.ts";
import {
  keepWatch,
  seen,
  temporaryFolder,
  type KeptWatch,
  type WatchOptions,
} from "../daemon/harness.ts";

/** A real watch with its page, on a free port of loopback. */
export interface Offered extends AsyncDisposable {
  readonly kept: KeptWatch;
  readonly clock: FakeClock;
  readonly stateDir: string;
  readonly port: number;
  readonly token: string;
  readonly warnings: readonly string[];
  /** Asks over a connection of its own or a kept one, with any header, `host` too. */
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>;
  /** Enters through the form, and gives what a browser would then send. */
  enter(): Promise<{ readonly cookie: string; readonly csrf: string }>;
  /** Sends a form as a browser on the page would. */
  post(path: string, form: Readonly<Record<string, string>>, cookie?: string): Promise<Reply>;
  /** A connection on which anything can be written. */
  dial(): Promise<Dialled>;
  /** Ends the watch and its page, and begins again on the same state. */
  restart(): Promise<void>;
}

interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Dialled {
  readonly socket: Socket;
  /** All that came until the other side ended the connection. */
  readonly ended: Promise<string>;
}

export interface OfferedOptions {
  readonly play?: Play;
  readonly model?: ScriptedModel;
  readonly skills?: Readonly<Record<string, unknown>>;
  readonly limits?: Partial<WebLimits>;
  readonly web?: Partial<WebSettings>;
  readonly notify?: NonNullable<WatchOptions["config"]>["notify"];
  /** Told of each line of both logs. */
  readonly listen?: (line: string) => void;
}

export async function offerPage(options: OfferedOptions = {}): Promise<Offered> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const clock = new FakeClock();
  const stateDir = join(folder.path, "state");
  const warnings: string[] = [];
  const log = {
    ...silentLog,
    warn(fields: object, message: string) {
      warnings.push(message);
      options.listen?.(JSON.stringify({ ...fields, message }));
    },
    error: (fields: object, message: string) =>
      options.listen?.(JSON.stringify({ ...fields, message })),
  };
  const heartbeat = { every: "5m" };
  const begin = async () => {
    const { notify } = options;
    const config = { heartbeat, web: { publicUrl: options.web?.publicUrl }, notify };
    const kept = await keepWatch({ folder: folder.path, clock, config, ...options });
    await kept.settle();
    const offered = await offerWeb(kept.watch, {
      config: resolveConfig({ timezone: "UTC", heartbeat }, { file: "/a.ts", environment: {} }),
      web: { host: "127.0.0.1", port: 0, publicUrl: undefined, ...options.web },
      stateDir,
      version: "1.2.3",
      log,
      clock,
      limits: {
        headersMs: 10_000,
        requestMs: 15_000,
        idleMs: 20_000,
        lookMs: 1_000,
        connections: 64,
        ...options.limits,
      },
    });
    return { kept, offered, port: offered.port ?? 0 };
  };
  let now = await begin();
  const end = async () => {
    await now.offered[Symbol.asyncDispose]();
    await now.kept[Symbol.asyncDispose]();
  };
  stack.defer(end);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  stack.defer(() => agent.destroy());
  const ask: Offered["ask"] = (method, path, { headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { host: "127.0.0.1", port: now.port, method, path, headers, agent },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  const post: Offered["post"] = (path, form, cookie) =>
    ask("POST", path, {
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        origin: `http://127.0.0.1:${now.port}`,
        "sec-fetch-site": "same-origin",
        ...(cookie === undefined ? {} : { cookie }),
      },
      body: new URLSearchParams(form).toString(),
    });
  const token = makeToken(stateDir, { renew: false });
  const held = stack.move();
  return {
    get kept() {
      return now.kept;
    },
    get port() {
      return now.port;
    },
    clock,
    stateDir,
    token,
    warnings,
    ask,
    post,
    async enter() {
      const entered = await post("/login", { token });
      const cookie = entered.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
      const page = await ask("GET", "/", { headers: { cookie } });
      return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? "" };
    },
    async dial() {
      const socket = connect(now.port, "127.0.0.1");
      const { promise: ended, resolve } = Promise.withResolvers<string>();
      let text = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
      await new Promise((connected) => socket.once("connect", connected));
      return { socket, ended };
    },
    async restart() {
      await end();
      now = await begin();
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A watch in which the agent has asked for `stage_tell` once for each text, none of it done yet. */
export async function askedFor(texts: readonly string[], more: OfferedOptions = {}) {
  const done: string[] = [];
  const model = await startScriptedModel([
    callTools(texts.map((text) => ({ name: "stage_tell", input: { text } }))),
    reportAll("notify"),
  ]);
  const tell = defineTool({
    description: "Tell somebody.",
    effect: "send",
    input: z.strictObject({ text: z.string() }),
    async run({ text }) {
      done.push(text);
      return "told";
    },
  });
  const page = await offerPage({
    model,
    play: {
      checks: {
        lamp: { every: "1h", observe: async () => ({ observations: [seen("lamp")] }) },
      },
      tools: { tell },
    },
    ...more,
  });
  return {
    page,
    /** What was carried out. */
    done,
    async [Symbol.asyncDispose]() {
      await page[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    },
  };
}
