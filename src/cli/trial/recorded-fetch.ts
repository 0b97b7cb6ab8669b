import { describeError, WatchkeeperError } from "../../domain/errors.ts";
import type { Scrub } from "../../domain/scrub.ts";
import type { Exchange } from "./recording.ts";

/** `fetch` that writes down what servers answer, and `fetch` that answers from what was written down. */

type Fetch = typeof fetch;

/** Without touching a body, which is read once. */
function askedOf(...[input, init]: Parameters<Fetch>): {
  readonly method: string;
  readonly url: string;
  readonly signal: AbortSignal | null | undefined;
} {
  const request = input instanceof Request ? input : undefined;
  const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
  const url = new URL(input instanceof Request ? input.url : input).href;
  return { method, url, signal: init?.signal ?? request?.signal };
}

/** Stands in for the global `fetch` until it is disposed of. */
export function inPlaceOfFetch(substitute: Fetch): Disposable {
  const real = globalThis.fetch;
  globalThis.fetch = substitute;
  return {
    [Symbol.dispose]() {
      globalThis.fetch = real;
    },
  };
}

const largestBody = 5 * 1024 * 1024;
/** Cookies are secrets; the others speak of bytes that are written down decoded. */
const leftOut = new Set(["set-cookie", "content-encoding", "content-length", "transfer-encoding"]);

/** Asks for real, and adds each exchange to the list, without secrets. */
export function recordingFetch(exchanges: Exchange[], scrub: Scrub): Fetch {
  const real = globalThis.fetch;
  return async (input, init) => {
    const { method, url } = askedOf(input, init);
    const asked = { method, url: scrub(url), headers: {} };
    let response: Response;
    try {
      response = await real(input, init);
    } catch (error) {
      exchanges.push({ ...asked, status: 599, error: scrub(describeError(error)) });
      throw error;
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length > largestBody) {
      throw new WatchkeeperError("RECORDING_TOO_LARGE", `the answer of ${asked.url} is over 5 MB`, {
        hint: "Record a smaller one, or test without --record",
      });
    }
    const headers = Object.fromEntries(
      [...response.headers]
        .filter(([name]) => !leftOut.has(name))
        .map(([name, value]) => [name, scrub(value)]),
    );
    exchanges.push({ ...asked, status: response.status, headers, ...bodyOf(bytes, scrub) });
    return rebuilt(bytes, response);
  };
}

function bodyOf(bytes: Buffer, scrub: Scrub): Pick<Exchange, "body" | "base64"> {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes)
    ? { body: scrub(text) }
    : { base64: bytes.toString("base64") };
}

/** The body was read; whoever asked wants to read it too. */
function rebuilt(bytes: Buffer, { status, statusText, headers, url }: Response): Response {
  const kept = new Headers([...headers].filter(([name]) => !leftOut.has(name)));
  const response = new Response(isBodiless(status) ? null : new Uint8Array(bytes), {
    status,
    statusText,
    headers: kept,
  });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

const isBodiless = (status: number): boolean => [204, 205, 304].includes(status);

/** Answers as was recorded: in order, and the last answer again to whoever asks once more. */
export function replayingFetch(exchanges: readonly Exchange[], scrub: Scrub): Fetch {
  const used = new Set<Exchange>();
  return async (input, init) => {
    const { method, url: address, signal } = askedOf(input, init);
    signal?.throwIfAborted();
    const url = scrub(address);
    const same = exchanges.filter(
      (exchange) => exchange.method.toUpperCase() === method && sameAddress(exchange.url, url),
    );
    const answer = same.find((exchange) => !used.has(exchange)) ?? same.at(-1);
    if (!answer) {
      throw new WatchkeeperError(
        "RECORDING_LACKS",
        `the recording has no answer to ${method} ${url}`,
        { hint: "Record anew, or add it under `fetches`" },
      );
    }
    used.add(answer);
    if (answer.error !== undefined) throw new TypeError("fetch failed", { cause: answer.error });
    return replayed(answer, address);
  };
}

const sameAddress = (recorded: string, asked: string): boolean =>
  recorded === asked || (URL.canParse(recorded) && new URL(recorded).href === asked);

function replayed({ status, headers, body, base64 }: Exchange, url: string): Response {
  const isText = typeof body === "string" || body === undefined;
  const content = base64 === undefined ? (isText ? body : JSON.stringify(body)) : undefined;
  const bytes =
    base64 === undefined ? (content ?? "") : new Uint8Array(Buffer.from(base64, "base64"));
  const kept = new Headers(isText ? headers : { "content-type": "application/json", ...headers });
  const response = new Response(isBodiless(status) ? null : bytes, { status, headers: kept });
  Object.defineProperty(response, "url", { value: url });
  return response;
}
