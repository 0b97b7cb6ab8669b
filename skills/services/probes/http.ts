import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { ExpectedStatus, HttpTarget } from "../config.ts";
import { elapsedMs } from "./probe.ts";
import type { Probe } from "./probe.ts";

const mostRedirects = 20;
const mostBodyBytes = 1_000_000;

/**
 * Asks once, over a connection of its own: a kept-alive one that the server has just closed would
 * look like an outage.
 */
export const probeHttp: Probe<HttpTarget> = async (target, signal) => {
  signal.throwIfAborted();
  const started = performance.now();
  const down = (reason: string) =>
    ({ ok: false, ms: elapsedMs(started), fault: "down", reason }) as const;

  const answer = await ask(target, signal);
  if (typeof answer === "string") return down(answer);
  const status = answer.statusCode ?? 0;
  const { expect } = target;
  if (!statusMatches(expect.status, status)) {
    answer.destroy();
    return down(`HTTP ${status} instead of ${[expect.status].flat().join(" or ")}`);
  }
  const body = await readBody(answer);
  if (expect.body !== undefined && !body.bytes.includes(expect.body)) {
    return down(
      body.cut
        ? "first megabyte of the body does not contain the expected text"
        : "body does not contain the expected text",
    );
  }
  const ms = elapsedMs(started);
  if (expect.maxMs !== undefined && ms > expect.maxMs) {
    const reason = `answered after ${ms} ms, more than ${expect.maxMs} ms`;
    return { ok: false, ms, fault: "slow", reason };
  }
  return { ok: true, ms, detail: `HTTP ${status}` };
};

export function statusMatches(expected: ExpectedStatus, status: number): boolean {
  if (typeof expected === "number") return status === expected;
  if (typeof expected === "string") return Math.floor(status / 100) === Number(expected[0]);
  return expected.includes(status);
}

/** Follows redirects as fetch does, unless the redirect is what is expected. */
async function ask(target: HttpTarget, signal: AbortSignal): Promise<IncomingMessage | string> {
  let url = new URL(target.url);
  let method: string = target.method;
  let headers = target.headers;
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await send(url, method, headers, signal);
    const status = answer.statusCode ?? 0;
    const { location } = answer.headers;
    const redirected = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
    if (!redirected || statusMatches(target.expect.status, status)) return answer;
    answer.destroy();
    const next = URL.parse(location, url.href);
    if (next?.protocol !== "http:" && next?.protocol !== "https:") {
      return `HTTP ${status} with a redirect that cannot be followed`;
    }
    // What the owner wrote for one server (often a key) is not for another.
    if (next.origin !== url.origin) headers = {};
    if (status === 303 ? method !== "HEAD" : status < 303 && method === "POST") method = "GET";
    url = next;
  }
  return `more than ${mostRedirects} redirects`;
}

async function send(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const defaults = { "user-agent": "watchkeeper", accept: "*/*", "accept-encoding": "identity" };
  request(url, { method, headers: { ...defaults, ...lowerCased(headers) }, agent: false, signal })
    .on("response", resolve)
    .on("error", reject)
    .end();
  return promise;
}

// So that the owner's word replaces ours, however it is spelt.
const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

// Some servers hold their files compressed and ignore that we asked for them plain.
const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

async function readBody(answer: IncomingMessage): Promise<{ bytes: Buffer; cut: boolean }> {
  const decoder = decoders[answer.headers["content-encoding"]?.trim().toLowerCase() ?? ""];
  // Errors come out of the last stream of the pipeline, where they are awaited.
  const stream: Readable = decoder ? pipeline(answer, decoder(), () => undefined) : answer;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop destroys the stream and its connection.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBodyBytes) break;
  }
  return { bytes: Buffer.concat(chunks), cut: size > mostBodyBytes };
}
