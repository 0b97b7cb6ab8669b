import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../tests/servers/free-port.ts";
import { startFailingSmtp } from "../../tests/servers/failing-smtp.ts";
import { startHttpReceiver, type HttpReceiver } from "../../tests/servers/http-receiver.ts";
import { startNtfyServer } from "../../tests/servers/ntfy.ts";
import { startSlackServer } from "../../tests/servers/slack.ts";
import { refusal, startMailServer } from "../../tests/servers/smtp.ts";
import { startTelegramServer } from "../../tests/servers/telegram.ts";
import { message, never, openChannel, type Opened } from "./channel-fixture.ts";
import { DeliveryError } from "./delivery-error.ts";

/** What holds for every channel, whatever carries it. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function kept<Server extends HttpReceiver>(server: Server): Server {
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

/** A channel before a receiver that does what its name says. */
interface Stage extends Opened {
  /** Everything that has arrived, as text. */
  readonly arrived: () => string;
  /** Resolves when what is sent has arrived and waits for its answer. */
  readonly waiting: Promise<unknown>;
}

interface Bench {
  readonly name: string;
  /** Must stand in no error. */
  readonly secret: string;
  good(): Promise<Stage>;
  /** Nobody is there. */
  unreachable(): Promise<Stage>;
  /** A no that stays, and repeats the secret. */
  refusing(): Promise<Stage>;
  /** Takes the message, then breaks off. */
  cutting(): Promise<Stage>;
  /** Takes the message, and never says whether. */
  hanging(): Promise<Stage>;
}

function httpBench<Server extends HttpReceiver>(
  name: "ntfy" | "slack" | "telegram" | "webhook",
  secret: string,
  start: () => Promise<Server>,
  open: (server: Server, origin: string) => Opened,
): Bench {
  const stage = async (behave: (server: Server) => void, origin?: string): Promise<Stage> => {
    const server = kept(await start());
    behave(server);
    return {
      ...open(server, origin ?? server.origin),
      arrived: () => server.requests.map(({ body }) => body).join("\n"),
      waiting: server.arrived(1),
    };
  };
  return {
    name,
    secret,
    good: () => stage(() => undefined),
    unreachable: async () => stage(() => undefined, `http://127.0.0.1:${await freePort()}`),
    refusing: () => stage((server) => server.behave({ status: 403, body: `no: ${secret}` })),
    cutting: () => stage((server) => server.behave("cut")),
    hanging: () => stage((server) => server.behave("hang")),
  };
}

const token = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2";
const slackPath = "/services/T0AB12CD3/B0EF45GH6/kLmNoPqRsTuVwXyZ01234567";
const botToken = "7654321:AAHk-9wq_Zx8vYtS3uR2pQ1oN0mL4kJ5iH6";
const signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const smtpPassword = "s3cret-Passw0rd";

const mailTo = (port: number): Stage => ({
  ...openChannel("email", {
    smtp: { host: "127.0.0.1", port, secure: false, user: "me", password: smtpPassword },
    from: "watch@example.com",
    to: "me@example.com",
  }),
  arrived: () => "",
  waiting: Promise.resolve(),
});

async function mailBefore(at: string, how: string): Promise<Stage> {
  const server = await startFailingSmtp(at, how);
  cleanups.push(() => server[Symbol.dispose]());
  return {
    ...mailTo(server.port),
    arrived: () => server.message.join("\n"),
    waiting: server.reached,
  };
}

const emailBench: Bench = {
  name: "email",
  secret: smtpPassword,
  async good() {
    const server = await startMailServer({ login: true });
    cleanups.push(() => server.stop());
    const arrived = () => server.received.map(({ raw }) => raw.toString("utf8")).join("\n");
    return { ...mailTo(server.port), arrived };
  },
  unreachable: async () => mailTo(await freePort()),
  async refusing() {
    const refuseRecipient = () => refusal(550, `5.1.1 nobody here, and ${smtpPassword} is yours`);
    const server = await startMailServer({ login: true, refuseRecipient });
    cleanups.push(() => server.stop());
    return mailTo(server.port);
  },
  cutting: () => mailBefore(".", "cut"),
  hanging: () => mailBefore(".", "hang"),
};

function runs(script: string, program = "sh"): Stage {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-command-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "script.sh"), script);
  const opened = openChannel(
    "command",
    { run: [program, "script.sh"], env: { API_KEY: token } },
    { baseDir: dir },
  );
  const begun = Promise.withResolvers<void>();
  const look = () => {
    try {
      return readFileSync(join(dir, "arrived"), "utf8");
    } catch {
      return "";
    }
  };
  const poll = setInterval(() => look().includes("\n") && begun.resolve(), 5);
  cleanups.push(() => clearInterval(poll));
  return { ...opened, arrived: look, waiting: begun.promise };
}

const commandBench: Bench = {
  name: "command",
  secret: token,
  good: async () => runs("cat > arrived"),
  unreachable: async () => runs("", "./no-such-program"),
  refusing: async () => runs('echo "wrong key $API_KEY" >&2; exit 3'),
  cutting: async () => runs("cat > arrived; kill -9 $$"),
  hanging: async () => runs("cat > arrived; sleep 600 & wait"),
};

const benches: Bench[] = [
  emailBench,
  httpBench(
    "ntfy",
    token,
    () => startNtfyServer({ authorization: `Bearer ${token}` }),
    (_server, origin) => openChannel("ntfy", { server: origin, topic: "watch", token }),
  ),
  httpBench("slack", slackPath, startSlackServer, (_server, origin) =>
    openChannel("slack", { url: `${origin}${slackPath}` }),
  ),
  httpBench("telegram", botToken, startTelegramServer, (_server, origin) =>
    openChannel("telegram", { token: botToken, chatId: 42, apiUrl: origin }),
  ),
  httpBench("webhook", signingSecret, startHttpReceiver, (_server, origin) =>
    openChannel("webhook", { url: `${origin}/hook`, secret: signingSecret }),
  ),
  commandBench,
];

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error: unknown = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeliveryError) return error;
  throw new Error("it did not fail as a delivery does", { cause: error });
}

describe.for(benches)("$name", (bench) => {
  it("delivers: title, body, why and links arrive", async () => {
    const stage = await bench.good();
    await stage.channel.deliver(message, never);
    const arrived = stage.arrived().replace(/=\r?\n/g, "");
    for (const part of ["api is down", "It answers 503.", "critical: told at once"]) {
      expect(arrived).toContain(part);
    }
    for (const { label, url } of message.links) {
      expect(arrived).toContain(label);
      expect(arrived).toContain(url);
    }
    expect(stage.warnings).toEqual([]);
  });

  it("says that nothing was sent when nobody is there", async () => {
    const { channel } = await bench.unreachable();
    const error = await failure(channel.deliver(message, never));
    expect(error).toMatchObject({ outcome: "not-sent", retryable: true });
    expect(error.message).toMatch(new RegExp(`^${bench.name}: `));
  });

  it("says that nothing was sent when it is refused, with the mend", async () => {
    const { channel } = await bench.refusing();
    const error = await failure(channel.deliver(message, never));
    expect(error.outcome).toBe("not-sent");
    expect(error.hint).toBeTruthy();
  });

  it("says that nobody knows when the connection breaks after it was handed over", async () => {
    const { channel } = await bench.cutting();
    const error = await failure(channel.deliver(message, never));
    expect(error).toMatchObject({ code: "CHANNEL_OUTCOME_UNKNOWN", outcome: "unknown" });
  });

  it("gives up when no answer comes, and says that nobody knows", async () => {
    const { channel, clock, waiting } = await bench.hanging();
    const sending = failure(channel.deliver(message, never));
    await waiting;
    await clock.advance(120_000);
    expect(await sending).toMatchObject({ outcome: "unknown" });
  });

  it("sends nothing when it was stopped before, and ends at once when it is stopped later", async () => {
    const idle = await bench.good();
    const before = await failure(idle.channel.deliver(message, AbortSignal.abort()));
    expect(before.outcome).toBe("not-sent");
    expect(idle.arrived()).toBe("");
    const { channel, waiting } = await bench.hanging();
    const stop = new AbortController();
    const sending = failure(channel.deliver(message, stop.signal));
    await waiting;
    stop.abort();
    const error = await sending;
    expect(error.outcome).toBe("unknown");
    expect(error.message).toContain("stopped");
  });

  it("keeps its secret out of every error", async () => {
    for (const stage of [bench.unreachable(), bench.refusing(), bench.cutting()]) {
      const { channel } = await stage;
      const error = await failure(channel.deliver(message, never));
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(bench.secret);
    }
  });
});
