import { once } from "node:events";
import { expect, test } from "vitest";
import { offerPage, type Offered } from "./offered.ts";

/** Clients that are slow, greedy or broken hold nothing up for the others. */

const isWell = async (page: Offered) => (await page.ask("GET", "/healthz")).status === 200;
const largest = 64 * 1024;

test("whoever does not finish its request is let go, and the others are served meanwhile", async () => {
  await using page = await offerPage({
    limits: { headersMs: 500, requestMs: 600, lookMs: 20, idleMs: 2_000 },
  });
  const host = `host: 127.0.0.1:${page.port}\r\n`;
  const slowHead = await page.dial();
  slowHead.socket.write(`GET /healthz HTTP/1.1\r\n${host}x-slow: `);
  const slowBody = await page.dial();
  slowBody.socket.write(
    `POST /login HTTP/1.1\r\n${host}content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nt`,
  );
  expect(await isWell(page)).toBe(true);
  expect(await slowHead.ended).toMatch(/^HTTP\/1\.1 408 /);
  expect(await slowBody.ended).toMatch(/^HTTP\/1\.1 408 /);
});

test("a connection on which nothing comes is closed", async () => {
  await using page = await offerPage({ limits: { idleMs: 150 } });
  const silent = await page.dial();
  expect(await silent.ended).toBe("");
});

test("more connections than are served are turned away, and come in again later", async () => {
  await using page = await offerPage({ limits: { connections: 3 } });
  const held = [await page.dial(), await page.dial(), await page.dial()];
  const turnedAway = await page.dial();
  expect(await turnedAway.ended).toBe("");
  for (const { socket, ended } of held) {
    socket.end();
    await ended;
  }
  expect(await isWell(page)).toBe(true);
});

test("a body that is too large is refused, said beforehand or not", async () => {
  await using page = await offerPage();
  const { headers, status } = await page.post("/login", { token: "x".repeat(largest) });
  expect([status, headers.connection]).toEqual([413, "close"]);
  const endless = await page.dial();
  endless.socket.write(
    `POST /login HTTP/1.1\r\nhost: localhost:${page.port}\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  for (let sent = 0; sent <= largest; sent += 0x4000) endless.socket.write(chunk);
  const [answer] = (await once(endless.socket, "data")) as [string];
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  await endless.ended;
  expect(await isWell(page)).toBe(true);
});

test.each([
  ["garbage", "\u0000\u0001\u0002 what\r\n\r\n", 400],
  [
    "a head that is too large",
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
    431,
  ],
  ["no host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["two hosts", "GET /healthz HTTP/1.1\r\nhost: localhost:PORT\r\nhost: evil\r\n\r\n", 400],
  [
    "another's address as the path",
    "GET http://evil.example/ HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n",
    400,
  ],
  ["a path that is another's", "GET //evil.example/ HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n", 400],
  [
    "two lengths",
    "POST /login HTTP/1.1\r\nhost: localhost:PORT\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    400,
  ],
  [
    "a length and chunks",
    "POST /login HTTP/1.1\r\nhost: localhost:PORT\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "a broken chunk",
    "POST /login HTTP/1.1\r\nhost: localhost:PORT\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    400,
  ],
])("%s is refused and the connection ended", async (_, bytes, status) => {
  await using page = await offerPage();
  const dialled = await page.dial();
  dialled.socket.write(bytes.replaceAll("PORT", String(page.port)));
  dialled.socket.end();
  expect(await dialled.ended).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(await isWell(page)).toBe(true);
});

test("requests in one go are answered in their order", async () => {
  await using page = await offerPage();
  const dialled = await page.dial();
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost:${page.port}\r\n\r\n`;
  dialled.socket.write(`${get("/healthz")}${get("/nothing")}${get("/readyz")}`);
  dialled.socket.end();
  expect((await dialled.ended).match(/(?<=HTTP\/1\.1 )\d+/g)).toEqual(["200", "404", "200"]);
});

test("garbage behind a request ends the connection, and what follows it is never done", async () => {
  await using page = await offerPage();
  const dialled = await page.dial();
  const get = `GET /healthz HTTP/1.1\r\nhost: localhost:${page.port}\r\n\r\n`;
  dialled.socket.write(`${get}%%%\r\n\r\n${get}${get}`);
  const answers = (await dialled.ended).match(/(?<=HTTP\/1\.1 )\d+/g) ?? [];
  expect(answers.at(-1)).toBe("400");
  expect(answers.length).toBeLessThanOrEqual(2);
  expect(await isWell(page)).toBe(true);
});

test("an unread body is never taken for the next request", async () => {
  await using page = await offerPage();
  const smuggled = `GET /healthz HTTP/1.1\r\nhost: localhost:${page.port}\r\n\r\n`;
  const dialled = await page.dial();
  dialled.socket.write(
    `PUT /healthz HTTP/1.1\r\nhost: localhost:${page.port}\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
  );
  dialled.socket.end();
  expect((await dialled.ended).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 405"]);
});

test("connections that are open when the daemon stops are closed, half asked or idle", async () => {
  await using page = await offerPage();
  const idle = await page.dial();
  idle.socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost:${page.port}\r\n\r\n`);
  await once(idle.socket, "data");
  const half = await page.dial();
  half.socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost:${page.port}\r\n`);
  await page.restart();
  expect(await idle.ended).toMatch(/^HTTP\/1\.1 200 /);
  expect(await half.ended).toBe("");
  expect(await isWell(page)).toBe(true);
});
