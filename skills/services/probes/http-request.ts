import { request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { whereIs } from "../inside.ts";
import type { HostFinder } from "../resolve-host.ts";
import type { ExpectedStatus, HttpTarget } from "../target.ts";
import { statusMatches } from "./http-expectation.ts";

const mostRedirects = 20;
const mostBodyBytes = 1_000_000;

/**
 * Asks once, over a connection of its own: a kept-alive one that the server has just closed would
 * look like an outage. Follows redirects as fetch does, unless the redirect is what is expected.
 * @returns the answer, or what is wrong in our own words
 */
export async function ask(
  target: HttpTarget,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<IncomingMessage | string> {
  let url = new URL(target.url);
  let asked: Asked = { method: target.method, headers: target.headers, body: target.body };
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await send(url, asked, signal, hosts);
    const status = answer.statusCode ?? 0;
    const { location } = answer.headers;
    if (location === undefined || !isFollowed(status, target.expect.status)) return answer;
    answer.destroy();
    const next = URL.parse(location, url.href);
    if (next?.protocol !== "http:" && next?.protocol !== "https:") {
      return `HTTP ${status} with a redirect that cannot be followed`;
    }
    if (next.origin !== url.origin) {
      // What the owner wrote for one server (often a key) is not for another, and a server outside
      // has no business with what is inside.
      asked = { ...asked, headers: {} };
      if (await leadsInside(url, next, signal, hosts)) {
        return `HTTP ${status} with a redirect to a private address, which is not followed`;
      }
    }
    if (status === 303 ? asked.method !== "HEAD" : status < 303 && asked.method === "POST") {
      asked = { method: "GET", headers: asked.headers, body: undefined };
    }
    url = next;
  }
  return `more than ${mostRedirects} redirects`;
}

/** Whether a redirect goes from outside into this machine or the private network. */
export async function leadsInside(
  from: URL,
  to: URL,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<boolean> {
  if ((await whereIs(to.hostname, signal, hosts)) === "outside") return false;
  return (await whereIs(from.hostname, signal, hosts)) !== "inside";
}

const isFollowed = (status: number, expected: readonly ExpectedStatus[]): boolean =>
  [301, 302, 303, 307, 308].includes(status) && !statusMatches(expected, status);

interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

async function send(
  url: URL,
  { method, headers, body }: Asked,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const defaults = {
    "user-agent": "watchkeeper",
    accept: "*/*",
    "accept-encoding": "identity",
    ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
  };
  request(url, {
    method,
    headers: { ...defaults, ...lowerCased(headers) },
    agent: false,
    signal,
    lookup: hosts.lookup(signal),
  })
    .on("response", resolve)
    .on("error", reject)
    .end(body);
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

export interface ReadBody {
  readonly bytes: Buffer;
  /** True when there was more than is read. */
  readonly cut: boolean;
}

export async function readBody(answer: IncomingMessage): Promise<ReadBody> {
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
