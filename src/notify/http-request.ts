import { request as requestPlain, type IncomingMessage } from "node:http";
import { request as requestEncrypted } from "node:https";
import type { Clock } from "../domain/clock.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { DeliveryError } from "./delivery-error.ts";
import { refusalOf } from "./http-refusal.ts";

/**
 * One request of a channel. Node's own client and not fetch: what failed before the connection stood was
 * certainly not sent, and only this one says when it stands.
 */

export interface HttpRequest {
  /** The channel's name, for words. */
  readonly channel: string;
  readonly url: URL;
  /** Default: POST. */
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Taken out of what the server says. */
  readonly secrets: readonly string[];
}

export interface HttpCircumstances {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Whether `text` is all that was sent. */
  readonly isWhole: boolean;
}

/** By when an attempt is over. */
export const httpPatienceMs = 20_000;
const mostBytes = 512 * 1024;

/**
 * Redirects are not followed: what is said to one server is not for another.
 * @returns the answer of success
 * @throws DeliveryError for everything else
 */
export async function httpRequest(
  request: HttpRequest,
  circumstances: HttpCircumstances,
): Promise<HttpAnswer> {
  const answer = await httpExchange(request, circumstances);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw refusalOf(answer, request, circumstances.clock.now());
}

/**
 * @returns the answer, whatever it says
 * @throws DeliveryError when there is none
 */
export async function httpExchange(
  request: HttpRequest,
  { clock, signal }: HttpCircumstances,
): Promise<HttpAnswer> {
  using deadline = linkedAbort(signal);
  using patience = linkedAbort();
  void clock.sleep(httpPatienceMs, patience.signal).then(() => deadline.abort());
  const progress = { connected: false };
  try {
    return await exchange(request, progress, deadline.signal);
  } catch (error) {
    throw brokenOff(error, request, { ...progress, stopped: signal.aborted, deadline });
  } finally {
    patience.abort();
  }
}

function exchange(
  { url, method = "POST", headers = {}, body }: HttpRequest,
  progress: { connected: boolean },
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  signal.throwIfAborted();
  const open = url.protocol === "https:" ? requestEncrypted : requestPlain;
  const sent = open(url, {
    method,
    signal,
    headers: {
      "User-Agent": "watchkeeper",
      // A connection that was kept may be dead without anybody knowing.
      Connection: "close",
      ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }),
      ...headers,
    },
  });
  sent.on("error", reject);
  sent.once("socket", (socket) => {
    if (!socket.connecting) progress.connected = true;
    const event = url.protocol === "https:" ? "secureConnect" : "connect";
    socket.once(event, () => (progress.connected = true));
  });
  sent.once("response", (response) => void readAnswer(response).then(resolve, reject));
  sent.end(body);
  return promise;
}

/** What was answered stands once its status is here, whatever becomes of the rest. */
async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const { statusCode = 0, headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  let isWhole = true;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > mostBytes) break;
    }
  } catch {
    isWhole = false;
  }
  isWhole &&= size <= mostBytes;
  const text = Buffer.concat(chunks).subarray(0, mostBytes).toString("utf8");
  return { status: statusCode, headers, text, isWhole };
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up just now",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it hung up",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no network",
  EPROTO: "it does not speak TLS there",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is of an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is of an authority that is not trusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is made out to another name",
};

/** No answer came. The error itself goes no further than its code: its text may hold more. */
function brokenOff(
  error: unknown,
  { channel, url, method = "POST" }: HttpRequest,
  state: { connected: boolean; stopped: boolean; deadline: { readonly signal: AbortSignal } },
): DeliveryError {
  const { connected, stopped, deadline } = state;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const seconds = httpPatienceMs / 1_000;
  const why = stopped
    ? "it was stopped"
    : deadline.signal.aborted
      ? `no answer within ${seconds} s`
      : (reasons[code] ?? (code || "the connection broke"));
  // What only asks has told it nothing.
  if (connected && method === "POST") {
    return new DeliveryError(
      "CHANNEL_OUTCOME_UNKNOWN",
      `nobody knows whether ${channel} has it: ${url.host} was told, then: ${why}`,
      { outcome: "unknown", hint: "Look there before you send it again" },
    );
  }
  return new DeliveryError("CHANNEL_UNREACHABLE", `${channel}: cannot reach ${url.host}: ${why}`, {
    hint: `Check the address of notify.channels.${channel}, and whether this machine has a network`,
  });
}
