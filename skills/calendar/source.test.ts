import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { calendarAddress, readSource } from "./source.ts";
import type { SourceLimits, SourceText, Validators } from "./source.ts";

const ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n";
const limits: SourceLimits = { bytes: 1_000, timeoutMs: 5_000, redirects: 5 };
const now = new Date("2026-11-23T09:00:00Z");

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((done) => (server ? server.close(done) : done(undefined)));
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((done) => server?.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const read = (
  url: string,
  options: { validators?: Validators; signal?: AbortSignal; limits?: SourceLimits } = {},
): Promise<SourceText> =>
  readSource(calendarAddress(url, tmpdir()), {
    signal: new AbortController().signal,
    now,
    limits,
    ...options,
  });

describe("reading a calendar from an address", () => {
  it("sends back ETag and Last-Modified, and takes 304 as unchanged", async () => {
    const requests: IncomingMessage[] = [];
    const url = await serve((request, response) => {
      requests.push(request);
      if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else {
        response.setHeader("etag", '"1"');
        response.setHeader("last-modified", "Mon, 23 Nov 2026 08:00:00 GMT");
        response.end(ics);
      }
    });
    const first = await read(url);
    if (first.kind !== "changed") throw new Error("expected a calendar");
    expect(first.text).toBe(ics);
    expect(await read(url, { validators: first.validators })).toEqual({ kind: "unchanged" });
    expect(requests[1]?.headers).toMatchObject({
      "if-none-match": '"1"',
      "if-modified-since": "Mon, 23 Nov 2026 08:00:00 GMT",
    });
  });

  it("knows the same bytes again from a server without ETag", async () => {
    const url = await serve((_, response) => response.end(ics));
    const first = await read(url);
    if (first.kind !== "changed") throw new Error("expected a calendar");
    expect(await read(url, { validators: first.validators })).toEqual({ kind: "unchanged" });
  });

  it.each([
    [404, "ICS_NOT_FOUND"],
    [410, "ICS_NOT_FOUND"],
    [401, "ICS_LOGIN_REFUSED"],
    [403, "ICS_LOGIN_REFUSED"],
    [500, "ICS_SERVER_ERROR"],
    [304, "ICS_SERVER_ERROR"],
  ])(
    "status %i is %s with a hint and without the secret path or password",
    async (status, code) => {
      const url = await serve((_, response) => response.writeHead(status).end());
      const secret = `${url.replace("//", "//me:hunter2@")}/private-abc/basic.ics?key=xyz`;
      const error: unknown = await read(secret).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code, hint: expect.stringMatching(/\w/) as string });
      expect(String(error)).not.toMatch(/hunter2|private-abc|xyz/);
      expect((error as Error).cause).toBeUndefined();
    },
  );

  it("obeys Retry-After", async () => {
    const url = await serve((_, response) => {
      response.writeHead(503, { "retry-after": "120" }).end();
    });
    await expect(read(url)).rejects.toMatchObject({ retryAt: now.getTime() + 120_000 });
  });

  it("sends the login of the address to its own server only", async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(ics);
    });
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    try {
      const target = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
      const url = await serve((request, response) => {
        seen.push(request.headers.authorization);
        response.writeHead(302, { location: target }).end();
      });
      await read(url.replace("//", "//me:p%40ss@"));
      expect(seen).toEqual([`Basic ${btoa("me:p@ss")}`, undefined]);
    } finally {
      await new Promise((done) => other.close(done));
    }
  });

  it("stops at too many bytes, said beforehand or not, packed or not", async () => {
    const large = Buffer.alloc(100_000, "x");
    for (const listener of [
      (_, response) => response.end(large),
      (_, response) => {
        response.writeHead(200, { "transfer-encoding": "chunked" });
        response.write(large);
        response.end();
      },
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(large)),
    ] satisfies RequestListener[]) {
      const url = await serve(listener);
      await expect(read(url)).rejects.toMatchObject({ code: "ICS_TOO_LARGE" });
      server?.closeAllConnections();
      server?.close();
    }
  });

  it("gives up on a server that redirects in a circle or to something that is no web address", async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      const location = request.url === "/file" ? "file:///etc/passwd" : "/again";
      response.writeHead(302, { location }).end();
    });
    await expect(read(url)).rejects.toMatchObject({ code: "ICS_REDIRECTED_TOO_OFTEN" });
    expect(requests).toBe(6);
    await expect(read(`${url}/file`)).rejects.toMatchObject({ code: "ICS_BAD_ADDRESS" });
  });

  it("says that a server is too slow, before and in the middle of its answer", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/middle") response.write("BEGIN:VCALENDAR\r\n");
    });
    const short = { ...limits, timeoutMs: 100 };
    await expect(read(url, { limits: short })).rejects.toMatchObject({ code: "ICS_TIMEOUT" });
    await expect(read(`${url}/middle`, { limits: short })).rejects.toMatchObject({
      code: "ICS_TIMEOUT",
    });
  });

  it("says that a server hung up, was cut, or is not there", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/cut") {
        response.writeHead(200, { "content-length": "500" });
        response.write(ics, () => response.destroy());
      } else response.destroy();
    });
    await expect(read(url)).rejects.toMatchObject({ code: "ICS_UNREACHABLE" });
    await expect(read(`${url}/cut`)).rejects.toMatchObject({ code: "ICS_UNREACHABLE" });
    server?.closeAllConnections();
    await new Promise((done) => server?.close(done));
    server = undefined;
    await expect(read(url)).rejects.toMatchObject({
      code: "ICS_UNREACHABLE",
      message: expect.stringContaining("nothing listens there") as string,
    });
  });

  it("ends at once when the check is aborted", async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort(new Error("the check took too long")));
    await expect(read(url, { signal: abort.signal })).rejects.toThrow("the check took too long");
  });

  it("reads webcal addresses as https, and Latin-1 and UTF-16 as what they are", async () => {
    expect(calendarAddress("webcal://example.com/a.ics", "/")).toEqual({
      kind: "url",
      url: "https://example.com/a.ics",
    });
    const url = await serve((request, response) => {
      response.end(
        Buffer.from(
          request.url === "/16" ? "\ufeffcafé" : "café",
          request.url === "/16" ? "utf16le" : "latin1",
        ),
      );
    });
    expect(await read(url)).toMatchObject({ text: "café" });
    expect(await read(`${url}/16`)).toMatchObject({ text: "café" });
  });

  it("does not read a folder", async () => {
    await expect(read(tmpdir())).rejects.toMatchObject({ code: "ICS_FILE_UNREADABLE" });
  });
});
