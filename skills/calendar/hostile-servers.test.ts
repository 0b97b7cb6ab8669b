import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createBoundedFetch } from "./bounded-fetch.ts";
import { caldavSource } from "./caldav/source.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  if (server?.listening) await once(server, "close");
});

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const xml = (body: string): string =>
  `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${body}</d:multistatus>`;
const entry = (href: string, props: string): string =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
const calendarType = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";

const read = (url: string, limits = { bytes: 10_000_000, timeoutMs: 5_000, redirects: 5 }) =>
  caldavSource({
    name: "mine",
    login: { url, user: "u", password: "p" },
    calendar: undefined,
    addresses: [],
    timezone: "UTC",
    stateDir: undefined,
    limits,
  }).read({ signal: new AbortController().signal, now: new Date("2026-11-23T09:00:00Z") });

/** Answers as a CalDAV server whose calendar is at `/c/`. */
const dav =
  (list: string, objects = "") =>
  (request: IncomingMessage, response: ServerResponse): void => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      response.writeHead(207, { "content-type": "application/xml" });
      if (request.method === "PROPFIND") {
        response.end(xml(entry("/c/", `${calendarType}<d:sync-token>t1</d:sync-token>`)));
      } else response.end(xml(text.includes("multiget") ? objects : list));
    });
  };

describe("a server that means no good", () => {
  it("with 100,000 objects is given up with a mend, and nothing of it is fetched", async () => {
    const list = Array.from({ length: 100_000 }, (_, index) =>
      entry(`/c/${index}.ics`, `<d:getetag>"${index}"</d:getetag>`),
    ).join("");
    const url = await serve(dav(list));
    await expect(read(`${url}c/`)).rejects.toMatchObject({ code: "CALENDAR_TOO_LARGE" });
    const fewer = Array.from({ length: 30_000 }, (_, index) =>
      entry(`/c/${index}.ics`, `<d:getetag>"${index}"</d:getetag>`),
    ).join("");
    server?.removeAllListeners("request");
    server?.on("request", dav(fewer));
    await expect(read(`${url}c/`)).rejects.toMatchObject({
      code: "CALENDAR_TOO_LARGE",
      hint: expect.stringContaining("20000 events") as string,
    });
  });

  it("that names objects elsewhere is not followed there", async () => {
    const asked: string[] = [];
    const list = [
      entry("/c/a.ics", '<d:getetag>"1"</d:getetag>'),
      entry("/c/../secret.ics", '<d:getetag>"1"</d:getetag>'),
      entry("http://other.example/c/b.ics", '<d:getetag>"1"</d:getetag>'),
    ].join("");
    const data = "<c:calendar-data>BEGIN:VCALENDAR\nEND:VCALENDAR\n</c:calendar-data>";
    const answer = dav(
      list,
      entry("/c/a.ics", `<d:getetag>"1"</d:getetag>${data}`) + entry("/d/x.ics", data),
    );
    const url = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    const found = await read(`${url}c/`);
    expect(found).toMatchObject({ kind: "changed" });
    expect("texts" in found && found.texts).toHaveLength(1);
    expect(new Set(asked)).toEqual(new Set(["PROPFIND /c/", "REPORT /c/"]));
  });

  it.each([
    ["a page", 200, "text/html", "<html>Sign in</html>"],
    ["broken XML", 207, "application/xml", "<d:multistatus><"],
    ["nothing", 207, "application/xml", ""],
  ])("that answers with %s is said to be no CalDAV server", async (_, status, type, body) => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(status, { "content-type": type }).end(body);
    });
    await expect(read(url)).rejects.toMatchObject({
      code: expect.stringMatching(/^CALDAV_(NOT_FOUND|BAD_ANSWER)$/) as string,
    });
  });

  it("that never ends its answer is given up in time", async () => {
    const url = await serve((_, response) => {
      response.writeHead(207, { "content-type": "application/xml" });
      response.write("<d:multistatus>");
    });
    await expect(
      read(`${url}c/`, { bytes: 1_000, timeoutMs: 50, redirects: 5 }),
    ).rejects.toMatchObject({ code: "CALENDAR_TIMEOUT" });
  });
});

describe("the bounded fetch", () => {
  const bounded = (limits = {}) =>
    createBoundedFetch(new AbortController().signal, {
      bytes: 1_000,
      timeoutMs: 5_000,
      redirects: 3,
      ...limits,
    });

  it("gives up an answer without end while it comes", async () => {
    const url = await serve((_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(500), more);
      };
      more();
    });
    await expect(bounded()(url)).rejects.toMatchObject({ code: "CALENDAR_TOO_LARGE" });
  });

  it("follows redirects for reading, without the login to another host, and not in a circle", async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end("there");
    });
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const there = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const url = await serve((request, response) => {
      const location = request.url === "/circle" ? "/circle" : there;
      response.writeHead(302, { location }).end();
    });
    const headers = { authorization: "Basic x" };
    expect(await (await bounded()(url, { headers })).text()).toBe("there");
    expect(seen).toEqual([undefined]);
    await expect(bounded()(`${url}circle`)).rejects.toMatchObject({
      code: "CALENDAR_BAD_REDIRECT",
    });
    expect((await bounded()(url, { method: "PUT", body: "x", headers })).status).toBe(302);
    expect(seen).toHaveLength(1);
    other.closeAllConnections();
    other.close();
  });
});
