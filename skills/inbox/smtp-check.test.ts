import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../tests/servers/free-port.ts";
import { startFailingSmtp } from "../../tests/servers/failing-smtp.ts";
import { hasOpenssl, startMailServer } from "../../tests/servers/smtp.ts";
import { startTokenServer } from "../../tests/servers/token.ts";
import { makeMaildir, Watch } from "./inbox-fixture.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function watchSmtp(smtp: object) {
  const { baseDir, remove } = await makeMaildir();
  cleanups.push(remove);
  const account = { name: "work", address: "me@example.com", maildir: "./mail" };
  const server = { host: "127.0.0.1", secure: false, ...smtp };
  const config = { accounts: [{ ...account, smtp: server }] };
  return new Watch(config, { account: "work.smtp", baseDir });
}

async function mailServer(options: Parameters<typeof startMailServer>[0]) {
  const server = await startMailServer(options);
  cleanups.push(() => server.stop());
  return server;
}

describe("the look at the server that sends", () => {
  it.skipIf(!hasOpenssl)("logs in over TLS and sends nothing", async () => {
    const { port, ca, user, password, logins, received } = await mailServer({ tls: "start" });
    const tls = { ca, servername: "localhost" };
    const watch = await watchSmtp({ port, secure: true, user, password, tls });
    expect((await watch.look()).observations).toEqual([]);
    expect(logins).toEqual(["PLAIN"]);
    expect(received).toEqual([]);
  });

  it.skipIf(!hasOpenssl)("fails where nobody vouches for the certificate", async () => {
    const { port, user, password, logins } = await mailServer({ tls: "start" });
    const watch = await watchSmtp({ port, secure: true, user, password });
    await expect(watch.look()).rejects.toMatchObject({ code: "SMTP_TLS_REFUSED" });
    expect(logins).toEqual([]);
  });

  it("fails when the password is refused, and does not say it", async () => {
    const { port, user } = await mailServer({ login: true });
    const watch = await watchSmtp({ port, user, password: "wrong-Passw0rd" });
    const error: unknown = await watch.look().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "SMTP_LOGIN_REFUSED",
      hint: expect.stringContaining("smtp.password") as string,
    });
    expect(inspect(error, { depth: 8, showHidden: true })).not.toContain("-Passw0rd");
  });

  it("gets another token when the first is refused", async () => {
    const tokens = await startTokenServer("me");
    cleanups.push(() => tokens.stop());
    const accepts = (token: string) => tokens.accepts(token);
    const { port, logins } = await mailServer({ tokens: { accepts, refusal: "challenge" } });
    const login = { clientId: "client", refreshToken: "refresh-0", tokenUrl: tokens.tokenUrl };
    const watch = await watchSmtp({ port, user: "me", oauth2: login });
    await watch.look();
    tokens.revoke();
    await watch.look();
    expect(tokens.given).toEqual(["access-1", "access-2"]);
    expect(logins).toHaveLength(3);
  });

  it("fails when nothing listens there", async () => {
    const watch = await watchSmtp({ port: await freePort() });
    await expect(watch.look()).rejects.toMatchObject({ code: "SMTP_UNREACHABLE" });
  });

  it("ends when it is stopped while the server says nothing", async () => {
    using silent = await startFailingSmtp("EHLO", "hang");
    const watch = await watchSmtp({ port: silent.port });
    const stop = new AbortController();
    const looking = expect(watch.look(new Date(), stop.signal)).rejects.toMatchObject({
      code: "SMTP_STOPPED",
    });
    await silent.reached;
    stop.abort();
    await looking;
  });
});
