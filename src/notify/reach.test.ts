import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../../tests/servers/free-port.ts";
import { startHttpReceiver, type HttpReceiver } from "../../tests/servers/http-receiver.ts";
import { startNtfyServer, type NtfyOptions } from "../../tests/servers/ntfy.ts";
import { hasOpenssl, startMailServer } from "../../tests/servers/smtp.ts";
import { startTelegramServer } from "../../tests/servers/telegram.ts";
import { never, openChannel } from "./channel-fixture.ts";
import type { Channel } from "./channel.ts";

/** Whether a channel could be used, found out without a delivery. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function receiver(): Promise<HttpReceiver> {
  const server = await startHttpReceiver(() => ({ status: 405 }));
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

async function reached(channel: Channel, signal = never): Promise<unknown> {
  return await channel.reach?.(signal).catch((error: unknown) => error);
}

const secret = "a-signing-key-that-is-long-enough";

it("a web address is asked for no more than the head of its host's first page", async () => {
  const server = await receiver();
  const host = new URL(server.origin).host;
  const slack = openChannel("slack", { url: `${server.origin}/services/T0/B0/secret` });
  const webhook = openChannel("webhook", { url: `${server.origin}/hook?key=1`, secret });
  expect(await reached(slack.channel)).toBe(`${host} answers`);
  expect(await reached(webhook.channel)).toBe(`${host} answers`);
  expect(server.requests).toMatchObject([
    { method: "HEAD", path: "/", body: "" },
    { method: "HEAD", path: "/", body: "" },
  ]);
});

it("a host where nothing listens, or that hangs up, is said as one that cannot be reached", async () => {
  const url = `http://127.0.0.1:${await freePort()}/hook`;
  expect(await reached(openChannel("slack", { url }).channel)).toMatchObject({
    code: "CHANNEL_UNREACHABLE",
    message: expect.stringContaining("nothing listens there"),
    hint: expect.stringContaining("notify.channels.slack"),
  });
  const rude = await receiver();
  rude.behave("cut");
  const webhook = openChannel("webhook", { url: rude.origin, secret });
  expect(await reached(webhook.channel)).toMatchObject({
    code: "CHANNEL_UNREACHABLE",
    message: expect.stringContaining("it hung up"),
  });
});

it("a server that never answers is given up in time, and when it is wished", async () => {
  const silent = await receiver();
  silent.behave("hang");
  const { channel, clock } = openChannel("slack", { url: silent.origin });
  const waiting = reached(channel);
  await silent.arrived(1);
  await clock.advance(20_000);
  expect(await waiting).toMatchObject({
    message: expect.stringContaining("no answer within 20 s"),
  });
  const stop = new AbortController();
  const stopped = reached(channel, stop.signal);
  await silent.arrived(2);
  stop.abort();
  expect(await stopped).toMatchObject({ message: expect.stringContaining("it was stopped") });
});

async function ntfy(login: object, options: NtfyOptions = {}) {
  const server = await startNtfyServer(options);
  cleanups.push(() => server[Symbol.asyncDispose]());
  const { channel } = openChannel("ntfy", { server: server.origin, topic: "watch", ...login });
  return { server, said: await reached(channel), host: new URL(server.origin).host };
}

it("ntfy is asked whether it knows the login, and shows nothing", async () => {
  const known = await ntfy({ token: "tk_good" }, { authorization: "Bearer tk_good" });
  expect(known.said).toBe(`${known.host} lets us in`);
  expect(known.server.shown).toEqual([]);
  const writing = await ntfy({}, { authorization: "Bearer tk_good" });
  expect(writing.said).toBe(`${writing.host} answers; we may not read the topic`);
  const wrong = await receiver();
  wrong.behave({ status: 401, body: '{"error":"unauthorized"}' });
  const { channel } = openChannel("ntfy", {
    server: wrong.origin,
    topic: "watch",
    token: "tk_bad",
  });
  expect(await reached(channel)).toMatchObject({
    code: "CHANNEL_REFUSED",
    hint: "Check the login in notify.channels.ntfy",
  });
});

it("Telegram is asked who the bot is, and a wrong token is in no text", async () => {
  const server = await startTelegramServer();
  cleanups.push(() => server[Symbol.asyncDispose]());
  const open = (token: string) =>
    openChannel("telegram", { token, chatId: 1, apiUrl: server.origin }).channel;
  expect(await reached(open(server.token))).toMatch(/knows the bot$/);
  const wrong = "1234567:AAHk-not-the-right-token-at-all";
  const error = await reached(open(wrong));
  expect(error).toMatchObject({ code: "CHANNEL_REFUSED", message: expect.stringContaining("401") });
  expect(String(error)).not.toContain("AAHk");
  expect(server.sent).toEqual([]);
});

it.skipIf(!hasOpenssl)("a mail server is logged in to, and given no mail", async () => {
  const server = await startMailServer({ tls: "start" });
  cleanups.push(() => server.stop());
  const { port, ca, user, password } = server;
  const open = (word: string) =>
    openChannel("email", {
      smtp: {
        host: "127.0.0.1",
        port,
        secure: true,
        user,
        password: word,
        tls: { ca, servername: "localhost" },
      },
      from: "watch@example.com",
      to: "me@example.com",
    }).channel;
  expect(await reached(open(password))).toBe(`127.0.0.1:${port} lets us in`);
  const refused = await reached(open("wrong-password"));
  expect(refused).toMatchObject({
    code: "CHANNEL_SMTP_REFUSED",
    message: expect.stringContaining("refused the login"),
    hint: expect.stringContaining("smtp.password"),
  });
  expect(String(refused)).not.toContain("wrong-password");
  expect(server.received).toEqual([]);
  expect(server.logins).toHaveLength(2);
});

it("a mail server without a login is connected to", async () => {
  const server = await startMailServer();
  cleanups.push(() => server.stop());
  const smtp = { host: "127.0.0.1", port: server.port, secure: false };
  const addresses = { from: "watch@example.com", to: "me@example.com" };
  const { channel } = openChannel("email", { smtp, ...addresses });
  expect(await reached(channel)).toBe(`127.0.0.1:${server.port} answers`);
  const closed = { ...smtp, port: await freePort() };
  const gone = openChannel("email", { smtp: closed, ...addresses });
  expect(await reached(gone.channel)).toMatchObject({ code: "CHANNEL_SMTP_UNREACHABLE" });
});

it("a program is looked for where the system would, and not run", async () => {
  const baseDir = mkdtempSync(join(tmpdir(), "watchkeeper-reach-"));
  cleanups.push(() => rmSync(baseDir, { recursive: true }));
  const program = join(baseDir, "tell");
  writeFileSync(program, `#!/bin/sh\ntouch ${join(baseDir, "was-run")}\n`);
  const open = (run: string[]) => openChannel("command", { run }, { baseDir }).channel;
  const missing = { code: "CHANNEL_COMMAND_NOT_STARTED" };
  expect(await reached(open(["./tell"]))).toMatchObject(missing);
  chmodSync(program, 0o700);
  expect(await reached(open(["./tell"]))).toBe(`${program} is there`);
  expect(await reached(open(["sh", "-c", "true"]))).toMatch(/\/sh is there$/);
  expect(await reached(open(["no-such-program-anywhere"]))).toMatchObject(missing);
  expect(await reached(open([baseDir]))).toMatchObject(missing);
});
