import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { type MailServerOptions, startMailServer } from "../../tests/servers/smtp.ts";
import { startTokenServer } from "../../tests/servers/token.ts";
import { loadInbox, makeMaildir } from "./inbox-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const message = { to: ["ann@example.com"], subject: "Lunch", text: "At one?" };
type Refusal = NonNullable<MailServerOptions["tokens"]>["refusal"];
const refusals: Refusal[] = ["at once", "challenge"];

interface Setting {
  readonly refusal?: Refusal;
  /** Whether the mail server takes the tokens that are given out. */
  readonly takesTokens?: boolean;
  readonly oauth2?: object;
}

/** A mail server that takes tokens, the one that gives them, and the skill with an account there. */
async function setUp({ refusal = "at once", takesTokens = true, oauth2 = {} }: Setting = {}) {
  const tokens = await startTokenServer("me");
  cleanups.push(() => tokens.stop());
  const accepts = (token: string) => takesTokens && tokens.accepts(token);
  const server = await startMailServer({ tokens: { accepts, refusal } });
  cleanups.push(() => server.stop());
  const { baseDir, remove } = await makeMaildir();
  cleanups.push(remove);
  const login = { clientId: "client", refreshToken: "refresh-0", tokenUrl: tokens.tokenUrl };
  const smtp = { host: "127.0.0.1", port: server.port, secure: false, user: "me" };
  const inbox = loadInbox(accountWith({ ...smtp, oauth2: { ...login, ...oauth2 } }), baseDir);
  const send = (key: string, signal?: AbortSignal) =>
    inbox.tool("send").run(message, { key, ...(signal && { signal }) });
  return { tokens, server, login, smtp, baseDir, send };
}

const accountWith = (smtp: object, mailbox: object = { maildir: "./mail" }) => ({
  accounts: [{ name: "work", address: "me@example.com", ...mailbox, smtp }],
});

/** A token endpoint that answers as it is told. */
async function endpoint(status: number, body: string) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

/** The error, after seeing that no token is in it, in no form. */
async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  const shown = inspect(error, { depth: 9, showHidden: true });
  expect(shown).not.toMatch(/access-\d|refresh-\d|YWNjZXNzL|QmVhcmVyI/);
  return error as Error & { code: string; hint: string };
}

describe("sending with OAuth2", () => {
  it("logs in with a token, although the server would take a password too", async () => {
    const { tokens, server, send } = await setUp();
    expect(await send("one")).toMatchObject({ accepted: ["ann@example.com"] });
    await send("two");
    expect(server.received.map(({ user }) => user)).toEqual(["me", "me"]);
    expect(server.logins).toEqual(["XOAUTH2", "XOAUTH2"]);
    expect(tokens.given).toEqual(["access-1"]);
  });

  it.each(refusals)("gets one new token when the old one is refused (%s)", async (refusal) => {
    const { tokens, server, send } = await setUp({ refusal });
    await send("one");
    tokens.revoke();
    await send("two");
    expect(tokens.given).toEqual(["access-1", "access-2"]);
    expect(server.logins).toHaveLength(3);
    expect(server.received).toHaveLength(2);
  });

  it.each(refusals)("gives up when the new one is refused too (%s)", async (refusal) => {
    const { tokens, server, send } = await setUp({ refusal, takesTokens: false });
    const failure = await failureOf(send("one"));
    expect(failure).toMatchObject({ name: "ToolError", code: "SMTP_LOGIN_REFUSED" });
    expect(failure.message).toContain('refused the login of "me": 535');
    expect(failure.hint).toMatch(/^Nothing was sent; .* oauth2/);
    expect(tokens.given).toEqual(["access-1", "access-2"]);
    expect(server.received).toEqual([]);
  });

  it("says that the permission was taken back, and does not ask the mail server", async () => {
    const { tokens, server, send } = await setUp();
    tokens.refreshToken = undefined;
    const failure = await failureOf(send("one"));
    expect(failure).toMatchObject({ name: "ToolError", code: "SMTP_NO_TOKEN" });
    expect(failure.message).toContain("gives no token: invalid_grant");
    expect(failure.hint).toMatch(/^Nothing was sent\. .*get a new one/);
    expect(server.logins).toEqual([]);
  });

  it("says that nobody gives tokens where there is no such server", async () => {
    const { tokens, send } = await setUp();
    await tokens.stop();
    cleanups.shift();
    const failure = await failureOf(send("one"));
    expect(failure).toMatchObject({ name: "ToolError", code: "SMTP_NO_TOKEN" });
    expect(failure.message).toContain("cannot get a token from 127.0.0.1:");
    expect(failure.hint).toContain("oauth2.tokenUrl");
  });

  it.each([
    ["a page", 200, "<html>"],
    ["an answer without a token", 200, '{"token_type":"Bearer"}'],
    ["more than anybody wants", 200, `{"access_token":"${"a".repeat(100_000)}"}`],
    ["trouble", 503, "refresh-0"],
    ["too many asked", 429, '{"error":"slow_down","error_description":"cmVmcmVzaC0w refresh-0"}'],
  ])("is not made with %s in the place of a token", async (_, status, body) => {
    const { send } = await setUp({ oauth2: { tokenUrl: await endpoint(status, body) } });
    const failure = await failureOf(send("one"));
    expect(failure).toMatchObject({ name: "ToolError", code: "SMTP_NO_TOKEN" });
    expect(failure.message).not.toContain("cmVmcmVzaC0w");
    expect(failure.hint).toBe(
      "Nothing was sent. The provider has trouble of its own; try again later",
    );
  });

  it("was not done when it is stopped before there is a token", async () => {
    const asked = Promise.withResolvers<unknown>();
    const silent = createServer((request) => asked.resolve(request.resume())).listen(
      0,
      "127.0.0.1",
    );
    await once(silent, "listening");
    cleanups.push(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const { send } = await setUp({ oauth2: { tokenUrl: `http://127.0.0.1:${port}/token` } });
    const stop = new AbortController();
    const failure = failureOf(send("one", stop.signal));
    await asked.promise;
    stop.abort();
    expect(await failure).toMatchObject({ name: "ToolError", code: "SMTP_STOPPED" });
  });

  it("uses the login of imap for a user that has none of its own, and shares its tokens", async () => {
    const { tokens, server, smtp, login, baseDir } = await setUp();
    const imap = { host: "127.0.0.1", port: 1, secure: false, user: "me", oauth2: login };
    const inbox = loadInbox(accountWith(smtp, { imap }), baseDir);
    await inbox.tool("send").run(message);
    expect(server.received.map(({ user }) => user)).toEqual(["me"]);
    // For the copy in the folder of sent mail imap wanted a token as well.
    expect(tokens.given).toEqual(["access-1"]);
  });
});
