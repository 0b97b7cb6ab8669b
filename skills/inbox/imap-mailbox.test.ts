import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { loadInbox, mail, Watch } from "./inbox-fixture.ts";

const hour = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);
const titles = (observations: { title: string }[]) =>
  observations.map(({ title }) => title.replace(/^.*: /, ""));

let server: DovecotServer;
const settings = (changes: Record<string, unknown> = {}) => ({
  host: "127.0.0.1",
  port: server.port,
  secure: false,
  user: server.user,
  password: server.password,
  ...changes,
});
const overTls = (changes: Record<string, unknown> = {}) =>
  settings({
    port: server.tlsPort,
    secure: true,
    tls: { ca: server.ca, servername: "localhost" },
    ...changes,
  });
const watchFolder = (firstSight = "now", imap = settings()) =>
  new Watch({ accounts: [{ name: "work", firstSight, imap }] });

async function failureOf(imap: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const watch = new Watch({ accounts: [{ name: "work", imap, ...more }] });
  const error: unknown = await watch.look().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "AdapterError" });
  expect(watch.cursor).toBeNull();
  // Whatever a log may print of an error, the password is not in it.
  const { inspect } = await import("node:util");
  expect(inspect(error, { depth: 8, showHidden: true })).not.toContain("-Passw0rd");
  return error as { code: string; message: string; hint?: string };
}

describe.skipIf(!dovecotAvailable())("an IMAP account", () => {
  beforeEach(async () => {
    server = await startDovecot({ recordCommands: true });
  });
  afterEach(() => server.stop());

  it("finds 20 new messages once, also when the server renumbers, and misses none that comes meanwhile", async () => {
    for (let index = 0; index < 30; index += 1)
      await server.addMessage(mail({ id: `old${index}@x` }));
    const watch = watchFolder();
    const first = await watch.look();
    expect(first.observations).toEqual([]);
    expect(first.notes).toEqual([
      'first look: 30 messages already there left alone (firstSight "now")',
    ]);

    for (let index = 0; index < 20; index += 1) {
      await server.addMessage(mail({ id: `new${index}@x`, subject: `n${index}` }));
    }
    const second = await watch.look();
    expect(titles(second.opened).sort()).toEqual(
      Array.from({ length: 20 }, (_, index) => `n${index}`).sort(),
    );
    expect((await watch.look()).observations).toEqual([]);

    await server.changeUidValidity();
    await server.addMessage(mail({ id: "meanwhile@x", subject: "meanwhile" }));
    const third = await watch.look();
    expect(titles(third.opened)).toEqual(["meanwhile"]);
    expect(third.changed).toEqual([]);
    expect(third.notes[0]).toContain("renumbered");
    expect((await watch.look()).observations).toEqual([]);

    await server.kill();
    await expect(watch.look()).rejects.toMatchObject({ code: "IMAP_UNREACHABLE" });
    await server.restart();
    await server.addMessage(mail({ id: "after@x", subject: "after" }));
    expect(titles((await watch.look()).opened)).toEqual(["after"]);
  });

  it("never marks a message as seen, nor changes anything else", async () => {
    await server.addMessage(mail());
    const watch = watchFolder("2d");
    const [observation] = (await watch.look()).opened;
    const inbox = loadInbox({ accounts: [{ name: "work", imap: settings() }] });
    expect(await inbox.readMail({ id: observation?.key ?? "" })).toContain("Shall we?");
    expect(await server.messageFiles()).toEqual([expect.not.stringMatching(/,.*[A-Z]/)]);
    const sent = await server.commands();
    expect(sent).toContain("EXAMINE");
    expect(sent).toContain("BODY.PEEK[]");
    expect(sent).not.toMatch(/\b(SELECT|STORE|APPEND|EXPUNGE|COPY|MOVE|BODY\[)/);
  });

  it("takes the last two days at first, in bounded parts, oldest first", async () => {
    await server.addMessage(mail({ id: "ancient@x" }), { arrivedAt: ago(72 * hour) });
    for (let index = 0; index < 230; index += 1) {
      await server.addMessage(mail({ id: `${index}@x`, subject: `n${index}` }), {
        arrivedAt: ago(40 * hour),
      });
    }
    const watch = watchFolder("2d");
    const first = await watch.look();
    expect(first.opened).toHaveLength(200);
    expect(first.notes).toEqual([
      "first look: 1 message older than firstSight left alone",
      "30 messages more to come with the next look",
    ]);
    await server.addMessage(mail({ id: "late@x", subject: "late" }));
    const second = await watch.look();
    expect(second.opened).toHaveLength(31);
    expect(titles(second.opened).at(-1)).toBe("late");
    expect((await watch.look()).observations).toEqual([]);
    expect(watch.known.size).toBe(231);
  });

  it("goes on with a backlog where it was when the server renumbers in the middle of it", async () => {
    for (let index = 0; index < 210; index += 1) {
      await server.addMessage(mail({ id: `${index}@x` }), { arrivedAt: ago(30 * hour) });
    }
    const watch = watchFolder("2d");
    await watch.look();
    await server.changeUidValidity();
    for (let round = 0; round < 3; round += 1) expect((await watch.look()).changed).toEqual([]);
    expect(watch.known.size).toBe(210);
  });

  it("sets aside what cannot be parsed and takes what is huge or strange", async () => {
    await server.addMessage(
      `Content-Type: multipart/mixed; boundary=b\n\n${"--b\nContent-Type: multipart/mixed; boundary=b\n\n".repeat(99)}`,
    );
    await server.addMessage(
      `${mail({ id: "huge@x", subject: "huge" })}${"0123456789abcdef\n".repeat(700_000)}`,
    );
    await server.addMessage(
      mail({
        id: "odd@x",
        subject: "=?x-nonsense?B?//8=?=",
        headers: ["Content-Type: text/plain; charset=klingon"],
      }),
    );
    await server.addMessage("");
    await server.addMessage(Buffer.from([0xff, 0xfe, 0, 1, 2, 10, 10, 0x80]));
    const watch = watchFolder("2d");
    const { opened, notes } = await watch.look();
    expect(opened).toHaveLength(5);
    const unreadable = opened.filter(({ title }) =>
      /^A mail could not be read \(UID \d+\): /.test(title),
    );
    expect(unreadable).toHaveLength(1);
    expect(notes).toContain(unreadable[0]?.title);
    const huge = opened.find(({ title }) => title.endsWith("huge"))?.text ?? "";
    expect(/a message of 1\d\.\d MB, of which only the beginning was read/.test(huge)).toBe(true);
    expect((await watch.look()).observations).toEqual([]);
  });

  it("is not stopped for ever by a message on which the server breaks off", async () => {
    for (const id of ["1", "2", "3"]) await server.addMessage(mail({ id: `${id}@x`, subject: id }));
    const proxy = await cuttingProxy(server.port, /UID FETCH 2 /);
    try {
      const watch = watchFolder("2d", settings({ port: proxy.port }));
      const first = await watch.look();
      expect(first.opened).toHaveLength(1);
      expect(first.notes[0]).toMatch(/connection lost.*2 messages more to come/);
      const second = await watch.look();
      expect(second.opened.map(({ title }) => title)).toEqual([
        expect.stringMatching(/could not be read \(UID 2\)/),
      ]);
      expect((await watch.look()).opened).toHaveLength(1);
      expect((await watch.look()).observations).toEqual([]);
    } finally {
      await proxy.close();
    }
  });

  it("says who is wrong when the set-up is", async () => {
    expect(await failureOf(settings({ password: "wrong-Passw0rd" }))).toMatchObject({
      code: "IMAP_LOGIN_REFUSED",
      message: expect.stringContaining(`refused the login of "${server.user}"`),
      hint: expect.stringContaining("password"),
    });
    expect(await failureOf(settings(), { folders: ["Nowhere"] })).toMatchObject({
      code: "IMAP_FOLDER_MISSING",
    });
    expect(await failureOf(overTls({ tls: undefined }))).toMatchObject({
      code: "IMAP_TLS_REFUSED",
    });
    expect(
      await failureOf(overTls({ tls: { ca: server.ca, servername: "mail.example.com" } })),
    ).toMatchObject({
      code: "IMAP_TLS_REFUSED",
      hint: expect.stringContaining("servername"),
    });
    expect(await failureOf(overTls({ port: server.port }))).toMatchObject({
      code: "IMAP_TLS_REFUSED",
    });
    await server.kill();
    expect(await failureOf(settings())).toMatchObject({
      code: "IMAP_UNREACHABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    expect(await failureOf(settings({ host: "mail.invalid" }))).toMatchObject({
      code: "IMAP_UNREACHABLE",
    });
  });

  it("sends no password in the clear beyond this machine", async () => {
    // Not a loopback name, though it leads here.
    const host = "0.0.0.0";
    const tls = { ca: server.ca, servername: "localhost" };
    expect((await watchFolder("now", settings({ host, tls })).look()).notes).toEqual([]);
    const plain = await startDovecot({ tls: false });
    try {
      const { port, user, password } = plain;
      expect(await failureOf({ host, port, user, password, secure: false })).toMatchObject({
        code: "IMAP_TLS_REFUSED",
      });
    } finally {
      await plain.stop();
    }
  });

  it("speaks TLS with an authority of the owner's", async () => {
    await server.addMessage(mail());
    expect((await watchFolder("2d", overTls()).look()).opened).toHaveLength(1);
  });

  it("reads a message by the id of its observation or its Message-ID, also without one", async () => {
    await server.addMessage(mail({ body: "x".repeat(30_000) }));
    await server.addMessage(mail({ body: "Other content, same id." }));
    await server.addMessage(mail({ id: null, body: "No id at all." }));
    const watch = watchFolder("2d");
    const keys = (await watch.look()).opened.map(({ key }) => key);
    const inbox = loadInbox({
      accounts: [
        { name: "dead", imap: settings({ port: 1 }) },
        { name: "work", imap: settings() },
      ],
    });
    const texts = await Promise.all(keys.map((id) => inbox.readMail({ id })));
    expect(
      texts.map((text) => text.slice(text.indexOf("\n\n") + 2, text.indexOf("\n\n") + 15)).sort(),
    ).toEqual(["No id at all.", "Other content", "xxxxxxxxxxxxx"]);
    expect(Math.max(...texts.map((text) => text.length))).toBe(16_000);
    expect(await inbox.readMail({ id: "<m1@example.com>", account: "work" })).toContain(
      "Account: work\nId: m1@example.com#",
    );
    await expect(inbox.readMail({ id: "nobody@x", account: "work" })).rejects.toMatchObject({
      name: "ToolError",
      code: "INBOX_MESSAGE_UNKNOWN",
    });
    await expect(inbox.readMail({ id: "nobody@x" })).rejects.toMatchObject({
      code: "INBOX_READ_FAILED",
    });
    await expect(inbox.readMail({ id: "x", account: "home" })).rejects.toMatchObject({
      code: "INBOX_ACCOUNT_UNKNOWN",
      hint: "The accounts are: dead, work",
    });
  });
});

describe.skipIf(!dovecotAvailable())("an IMAP account of 50,000 messages", () => {
  beforeAll(async () => {
    server = await startDovecot({ recordCommands: true });
    server.fill(50_000, (index) => `From: a@b\nMessage-ID: <${index}@x>\n\nx\n`);
  });
  afterAll(() => server.stop());

  it("is polled for news in under 300 ms of our work, without fetching anything, and a renumbering is no flood", async () => {
    const watch = watchFolder();
    const first = await watch.look();
    expect(first.notes[0]).toContain("50000 messages already there left alone");
    const fetchesBefore = countOf(await server.commands(), /FETCH/g);

    const times: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const spent = await processorMs(async () => {
        expect((await watch.look()).observations).toEqual([]);
      });
      times.push(spent);
    }
    times.sort((a, b) => a - b);
    const median = times[4] ?? Number.NaN;
    const shown = [median, times[0] ?? 0, times.at(-1) ?? 0].map((ms) => ms.toFixed(0));
    process.stdout.write(
      `IMAP folder of 50,000, nothing new: median ${shown[0]} ms (${shown[1]} to ${shown[2]})\n`,
    );
    expect(median).toBeLessThan(300);
    expect(countOf(await server.commands(), /FETCH|SEARCH/g)).toBe(fetchesBefore);

    for (let index = 0; index < 20; index += 1)
      await server.addMessage(mail({ id: `new${index}@x` }));
    expect((await watch.look()).opened).toHaveLength(20);
    await server.changeUidValidity();
    await server.addMessage(mail({ id: "meanwhile@x", subject: "meanwhile" }));
    const started = performance.now();
    const after = await watch.look();
    process.stdout.write(
      `the same after a changed UIDVALIDITY: ${(performance.now() - started).toFixed(0)} ms\n`,
    );
    expect(titles(after.opened)).toEqual(["meanwhile"]);
    expect(after.changed).toEqual([]);
  });
});

describe("an IMAP server that does not answer", () => {
  it("is let go of when the check is aborted", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const stop = new AbortController();
    silent.once("connection", (socket) => {
      socket.on("error", () => undefined);
      stop.abort(new Error("stopping"));
    });
    const imap = {
      host: "127.0.0.1",
      port: portOf(silent),
      secure: false,
      user: "u",
      password: "p",
    };
    const watch = new Watch({ accounts: [{ name: "work", imap }] });
    await expect(watch.look(new Date(), stop.signal)).rejects.toThrow("stopping");
    silent.close();
    await once(silent, "close");
  });
});

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function portOf(listening: Server): number {
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

/** Stands before a real server and cuts the connection when a client sends what matches. */
async function cuttingProxy(target: number, pattern: RegExp) {
  const proxy = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", cut).on("close", cut);
    upstream.pipe(client);
    client.on("data", (chunk) => {
      if (pattern.test(chunk.toString("latin1"))) cut();
      else upstream.write(chunk);
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: portOf(proxy),
    async close() {
      proxy.close();
      await once(proxy, "close");
    },
  };
}
