import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { dovecotAvailable, startDovecot } from "../../tests/servers/dovecot.ts";
import { startTokenServer } from "../../tests/servers/token.ts";
import { contextFor, mail, Watch } from "./inbox-fixture.ts";
import inbox from "./index.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Where the skill may keep things. */
async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-logins-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

const watchLogin = (config: unknown, baseDir = "/") =>
  new Watch(config, { account: "work.login", baseDir });

async function dovecotWithPassword() {
  const server = await startDovecot({ tls: false });
  cleanups.push(() => server.stop());
  const { port, user, password } = server;
  return { server, imap: { host: "127.0.0.1", port, secure: false, user, password } };
}

/** A Dovecot that takes tokens and asks their giver whether they are good. */
async function dovecotWithTokens() {
  const tokens = await startTokenServer("watch");
  cleanups.push(() => tokens.stop());
  const folder = await makeFolder();
  const file = join(folder, "oauth2.conf");
  await writeFile(file, `tokeninfo_url = ${tokens.tokenInfoUrl}\nusername_attribute = username\n`);
  const settings = `auth_mechanisms = plain login xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${file}
}
`;
  const server = await startDovecot({ tls: false, settings });
  cleanups.push(() => server.stop());
  const { port, user } = server;
  const { tokenUrl } = tokens;
  const oauth2 = { tokenUrl, clientId: "client", refreshToken: "refresh-0" };
  const imap = { host: "127.0.0.1", port, secure: false, user, oauth2 };
  return { server, tokens, imap, baseDir: folder };
}

const accountWith = (imap: object) => ({ accounts: [{ name: "work", firstSight: "2d", imap }] });

describe.skipIf(!dovecotAvailable())("a login with a password", () => {
  it("that is refused is a finding of its own, which is over when it is taken again", async () => {
    const { imap } = await dovecotWithPassword();
    const wrong = watchLogin(accountWith({ ...imap, password: "wrong-Passw0rd" }));
    const { opened } = await wrong.look();
    expect(opened).toMatchObject([
      { key: "refused", severity: "warning", title: "The mail server lets work in no longer" },
    ]);
    expect(inspect(opened)).not.toContain("-Passw0rd");
    expect((await watchLogin(accountWith(imap)).look()).observations).toEqual([]);
  });

  it("is not judged while the server cannot be asked", async () => {
    const { imap, server } = await dovecotWithPassword();
    await server.kill();
    expect((await watchLogin(accountWith(imap)).look()).observations).toEqual([]);
  });

  it("that is refused at a look is looked into at once", async () => {
    const { imap } = await dovecotWithPassword();
    const woken: string[] = [];
    const config = accountWith({ ...imap, password: "wrong-Passw0rd" });
    const watch = new Watch(config, { wake: (check) => woken.push(check) });
    await expect(watch.look()).rejects.toMatchObject({ code: "IMAP_LOGIN_REFUSED" });
    expect(woken).toEqual(["work.login"]);
  });
});

describe.skipIf(!dovecotAvailable())("a login with OAuth2", () => {
  it("gets a token, keeps it, and gets another when the server refuses it", async () => {
    const { server, tokens, imap, baseDir } = await dovecotWithTokens();
    await server.addMessage(mail());
    const watch = new Watch(accountWith(imap), { baseDir });
    expect((await watch.look()).opened).toHaveLength(1);
    await watch.look();
    expect(tokens.given).toEqual(["access-1"]);
    tokens.revoke();
    await server.restart(); // It remembers nothing of tokens that were good.
    await server.addMessage(mail({ id: "2@x" }));
    expect((await watch.look()).opened).toHaveLength(1);
    // With the refresh token that came with the first: each is good for one time.
    expect(tokens.given).toEqual(["access-1", "access-2"]);
    // And after a restart, when all that the config holds is the one that was good at first.
    const restarted = new Watch(accountWith(imap), { baseDir });
    expect((await restarted.look()).opened).toHaveLength(2);
  });

  it("is a finding when the permission was taken back, and before it ends", async () => {
    const { tokens, imap, baseDir } = await dovecotWithTokens();
    tokens.refreshEndsIn = 3 * 86_400;
    const login = watchLogin(accountWith(imap), baseDir);
    const { opened } = await login.look();
    expect(opened).toMatchObject([{ key: "ends", severity: "warning", trust: "trusted" }]);
    tokens.refreshToken = undefined;
    tokens.revoke();
    const other = { ...imap, oauth2: { ...imap.oauth2, refreshToken: "another" } };
    const refused = await watchLogin(accountWith(other), baseDir).look();
    expect(refused.opened).toMatchObject([{ key: "refused" }]);
    expect(refused.opened[0]?.text).toContain("gives no token: invalid_grant");
    expect(inspect(refused.opened)).not.toContain("another was revoked");
  });
});

describe.skipIf(!dovecotAvailable())("the connection that waits for news", () => {
  it("calls for a look as soon as mail has come, also after the server was gone", async () => {
    const { imap, server } = await dovecotWithPassword();
    const connected = Promise.withResolvers<unknown>();
    const woken: string[] = [];
    let heard = Promise.withResolvers<unknown>();
    const wake = (check: string) => {
      woken.push(check);
      heard.resolve(check);
    };
    const stop = new AbortController();
    const context = contextFor(accountWith(imap), "/", { wake });
    const log = { ...context.log, debug: connected.resolve };
    const background = inbox.background?.({ ...context, log, signal: stop.signal });
    await connected.promise;
    expect(woken).toEqual([]);
    await server.addMessage(mail());
    await heard.promise;
    heard = Promise.withResolvers();
    await server.restart();
    await heard.promise;
    expect(new Set(woken)).toEqual(new Set(["work"]));
    stop.abort();
    await background;
  });

  it("is not made where it is not wanted", async () => {
    const { imap } = await dovecotWithPassword();
    const { signal } = new AbortController();
    const context = contextFor(accountWith({ ...imap, idle: false }));
    await inbox.background?.({ ...context, signal });
  });
});
