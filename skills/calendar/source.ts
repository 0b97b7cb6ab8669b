import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { AdapterError } from "watchkeeper";

/** Where a calendar is: a file, or an http or https address. */
export type CalendarAddress =
  { readonly kind: "file"; readonly path: string } | { readonly kind: "url"; readonly url: string };

/** What tells that a calendar is the one of the last look. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly bodyHash: string;
}

export type SourceText =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly text: string; readonly validators: Validators };

export interface SourceOptions {
  /** Those of the calendar already known; without them it is always read anew. */
  readonly validators?: Validators | undefined;
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly limits?: SourceLimits;
}

export interface SourceLimits {
  readonly bytes: number;
  readonly timeoutMs: number;
  readonly redirects: number;
}

const sourceLimits: SourceLimits = { bytes: 10_000_000, timeoutMs: 20_000, redirects: 5 };

/** Reads `ics` of the config: an address, or a path that starts at `baseDir`. */
export function calendarAddress(ics: string, baseDir: string): CalendarAddress {
  if (/^webcals?:\/\//i.test(ics)) return { kind: "url", url: ics.replace(/^webcals?/i, "https") };
  if (/^https?:\/\//i.test(ics)) return { kind: "url", url: ics };
  return { kind: "file", path: resolve(baseDir, ics) };
}

/**
 * Reads a calendar's bytes as text, unless it is the one that `validators` tell of.
 * @throws AdapterError with a code that begins with ICS_; the signal's reason when aborted. No text
 * of an error holds more of an address than its host: paths of calendars are often secrets.
 */
export async function readSource(
  address: CalendarAddress,
  options: SourceOptions,
): Promise<SourceText> {
  options.signal.throwIfAborted();
  const limits = options.limits ?? sourceLimits;
  const read =
    address.kind === "file"
      ? await readFileBytes(address.path, limits, options.signal)
      : await fetchBytes(address.url, limits, options);
  if (read === "unchanged") return { kind: "unchanged" };
  const bodyHash = createHash("sha256").update(read.bytes).digest("base64url");
  if (bodyHash === options.validators?.bodyHash) return { kind: "unchanged" };
  return {
    kind: "changed",
    text: decode(read.bytes, read.charset),
    validators: { etag: read.etag, lastModified: read.lastModified, bodyHash },
  };
}

interface Bytes {
  readonly bytes: Uint8Array;
  readonly charset?: string | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

async function readFileBytes(
  path: string,
  limits: SourceLimits,
  signal: AbortSignal,
): Promise<Bytes> {
  try {
    const found = await stat(path);
    // A pipe or a device could keep the reader waiting for ever.
    if (!found.isFile()) {
      throw new AdapterError("ICS_FILE_UNREADABLE", `${path} is not a file`, {
        hint: "Name the .ics file itself",
      });
    }
    return { bytes: await collect(createReadStream(path, { signal }), limits, path) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AdapterError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new AdapterError("ICS_FILE_MISSING", `there is no calendar file ${path}`, {
        hint: "Relative paths start at the folder of the config file",
      });
    }
    throw new AdapterError("ICS_FILE_UNREADABLE", `${path} cannot be read (${code || "unknown"})`, {
      hint: "Check the file's permissions",
    });
  }
}

async function fetchBytes(
  url: string,
  limits: SourceLimits,
  options: SourceOptions,
): Promise<Bytes | "unchanged"> {
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  const first = parseUrl(url);
  const host = first.host;
  try {
    let target = first;
    for (let hops = 0; hops <= limits.redirects; hops += 1) {
      const response = await fetch(bare(target), {
        headers: requestHeaders(target, first, options.validators),
        redirect: "manual",
        signal,
      });
      if (response.status === 304 && options.validators) return "unchanged";
      const location = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel();
        target = redirectTarget(location, target);
        continue;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw refused(response, host, options.now);
      }
      return await readResponse(response, limits, host);
    }
    throw new AdapterError("ICS_REDIRECTED_TOO_OFTEN", `${host} redirects in a circle`, {
      hint: "Open the address in a browser and use the one that it ends at",
    });
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof AdapterError) throw error;
    if (deadline.aborted) {
      throw new AdapterError("ICS_TIMEOUT", `${host} did not send the calendar in time`, {
        hint: `It may take ${Math.round(limits.timeoutMs / 1_000)} s; it is tried again later`,
      });
    }
    throw unreachable(error, host);
  }
}

function parseUrl(url: string, base?: URL): URL {
  const parsed = URL.canParse(url, base?.href) ? new URL(url, base?.href) : undefined;
  if (parsed && (parsed.protocol === "http:" || parsed.protocol === "https:")) return parsed;
  throw new AdapterError(
    "ICS_BAD_ADDRESS",
    base
      ? `${base.host} redirects to something other than a web address`
      : "the ics address is not a web address",
    { hint: "Use an address that begins with https:// or http://", retryable: false },
  );
}

function redirectTarget(location: string, from: URL): URL {
  const target = parseUrl(location, from);
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw new AdapterError("ICS_BAD_ADDRESS", `${from.host} redirects to an unencrypted address`, {
      hint: "Open the address in a browser and use the https:// one that it ends at",
    });
  }
  return target;
}

/** fetch refuses addresses with a password in them. */
function bare(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return copy;
}

function requestHeaders(
  target: URL,
  first: URL,
  validators: Validators | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    accept: "text/calendar, */*;q=0.1",
    "user-agent": "watchkeeper",
  };
  if (target.origin === first.origin && (first.username || first.password)) {
    const login = `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}`;
    headers["authorization"] = `Basic ${Buffer.from(login).toString("base64")}`;
  }
  if (validators?.etag) headers["if-none-match"] = validators.etag;
  if (validators?.lastModified) headers["if-modified-since"] = validators.lastModified;
  return headers;
}

async function readResponse(
  response: Response,
  limits: SourceLimits,
  host: string,
): Promise<Bytes> {
  if (Number(response.headers.get("content-length") ?? 0) > limits.bytes) {
    await response.body?.cancel();
    throw tooLarge(host, limits);
  }
  const charset = /charset="?([\w.:-]{1,40})/i.exec(response.headers.get("content-type") ?? "");
  const short = (name: string): string | undefined => {
    const value = response.headers.get(name);
    return value !== null && value.length <= 1_000 ? value : undefined;
  };
  return {
    bytes: response.body ? await collect(response.body, limits, host) : new Uint8Array(),
    charset: charset?.[1],
    etag: short("etag"),
    lastModified: short("last-modified"),
  };
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  limits: SourceLimits,
  name: string,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limits.bytes) throw tooLarge(name, limits);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

const tooLarge = (name: string, limits: SourceLimits): AdapterError =>
  new AdapterError("ICS_TOO_LARGE", `the calendar of ${name} is too large`, {
    hint: `At most ${Math.round(limits.bytes / 1_000_000)} MB are read; export a shorter span of time`,
  });

function refused(response: Response, host: string, now: Date): AdapterError {
  const { status } = response;
  if (status === 404 || status === 410) {
    return new AdapterError(
      "ICS_NOT_FOUND",
      `${host} has no calendar at this address (${status})`,
      {
        hint: "Copy the ics address again: it changes when it is reset or no longer shared",
      },
    );
  }
  if (status === 401 || status === 403) {
    return new AdapterError(
      "ICS_LOGIN_REFUSED",
      `${host} refuses access to the calendar (${status})`,
      {
        hint: "Use the calendar's private ics address, or https://user:password@host/… when it asks for a login",
      },
    );
  }
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const wait = Number.isFinite(seconds)
    ? Math.min(Math.max(seconds, 0), 86_400) * 1_000
    : undefined;
  return new AdapterError("ICS_SERVER_ERROR", `${host} answered with status ${status}`, {
    hint: "The server has trouble of its own; it is tried again later",
    ...(wait === undefined ? {} : { retryAt: now.getTime() + wait }),
  });
}

const causes: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up just now",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it hung up",
  UND_ERR_SOCKET: "it hung up",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
};

/** The cause goes no further than its code: its text could repeat the address. */
function unreachable(error: unknown, host: string): AdapterError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = causes[code] ?? (code || "the connection broke");
  return new AdapterError("ICS_UNREACHABLE", `the calendar of ${host} could not be read: ${why}`, {
    hint: "Check the address and the connection; it is tried again later",
  });
}

function decode(bytes: Uint8Array, charset: string | undefined): string {
  const mark =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : undefined;
  for (const encoding of [mark, "utf-8", charset]) {
    if (encoding === undefined) continue;
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      // Not that one: old exports are often Latin-1 whatever they say.
    }
  }
  return new TextDecoder("windows-1252").decode(bytes);
}
