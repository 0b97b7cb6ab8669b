import { createHmac } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createMaildir,
  heldUntil,
  reportAll,
  startScriptedModel,
  type ScriptedReply,
} from "../../src/testing/index.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";

/** What the watched container sees of the world: mail, a broken shop, a model, a receiver of notifications. */
export interface World extends AsyncDisposable {
  readonly configDir: string;
  readonly secretsDir: string;
  readonly modelUrl: string;
  /** Where the page of the container on the host's network listens. */
  readonly port: number;
  deliver(subject: string): Promise<void>;
  /** How many notifications, rightly signed, speak of it. */
  told(subject: string): number;
  /** Resolves when the model is asked about it. */
  asked(subject: string): Promise<void>;
  /** Holds the model's answers from now on. @returns what lets them go */
  holdModel(): () => void;
}

/** The user of the image. */
const user = 1000;
const apiKey = "sk-of-the-file-only";
const signingKey = "a key of at least twenty-four bytes";

export async function createWorld(): Promise<World> {
  await using onFailure = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-container-"));
  onFailure.defer(async () => rm(folder, { recursive: true, force: true }));
  const configDir = join(folder, "config");
  const secretsDir = join(folder, "secrets");
  const maildir = await createMaildir(join(configDir, "mail"));

  let gate: Promise<void> | null = null;
  const model = onFailure.use(
    await startScriptedModel(
      async (request, index) => {
        const reply = (await reportAll("notify")(request, index)) satisfies ScriptedReply;
        return gate === null ? reply : heldUntil(gate, reply);
      },
      { apiKey },
    ),
  );
  const receiver = onFailure.use(
    await startHttpReceiver(({ path }) => ({ status: path === "/shop" ? 500 : 200 })),
  );

  const port = await freePort();
  await writeFile(join(configDir, "agent.config.ts"), configText(receiver.origin, port));
  await mkdir(secretsDir);
  for (const [name, value] of Object.entries({
    ANTHROPIC_API_KEY: apiKey,
    WEBHOOK_SECRET: signingKey,
  })) {
    const file = join(secretsDir, name);
    await writeFile(file, `${value}\n`);
    await chmod(file, 0o400);
    await chown(file, user, user);
  }

  const held = onFailure.move();
  return {
    configDir,
    secretsDir,
    modelUrl: model.baseUrl,
    port,
    async deliver(subject) {
      const text = "The water is getting cold.";
      await maildir.deliver({ from: "ada@example.com", to: "me@example.com", subject, text });
    },
    told: (subject) =>
      receiver.requests.filter((request) => isSigned(request) && request.body.includes(subject))
        .length,
    async asked(subject) {
      while (!(await model.nextRequest()).rawBody.includes(subject));
    },
    holdModel() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        gate = null;
        resolve();
      };
    },
    [Symbol.asyncDispose]: async () => held.disposeAsync(),
  };
}

function isSigned({
  headers,
  body,
}: {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}): boolean {
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const digest = createHmac("sha256", signingKey).update(signed).digest("base64");
  return headers["webhook-signature"] === `v1,${digest}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const configText = (origin: string, port: number): string => `
import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  heartbeat: { every: "1s", slack: "1s" },
  model: { chain: [{ model: "claude-sonnet-5-5" }] },
  skills: {
    services: {
      every: "1s",
      failureThreshold: 1,
      targets: [
        { name: "shop", http: "${origin}/shop", expect: { status: 200 } },
        // Leaves a process behind that nobody waits for.
        { name: "orphans", command: ["sh", "-c", "(sleep 0.05 &); exit 0"] },
      ],
    },
    inbox: {
      every: "1s",
      accounts: [
        { name: "mine", address: "me@example.com", maildir: "./mail", firstSight: "2d" },
      ],
    },
  },
  notify: {
    channels: { webhook: { url: "${origin}/told", secret: secret("WEBHOOK_SECRET") } },
    interruptionsPerDay: 1000,
  },
  web: { host: process.env.WEB_HOST ?? "127.0.0.1", port: ${port} },
});
`;
