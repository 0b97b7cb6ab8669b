import { open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type CuttingProxy, startCuttingProxy } from "../../tests/servers/cutting-proxy.ts";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { loadInbox, mail, makeMaildir, Watch } from "./inbox-fixture.ts";

/** What goes wrong with mailboxes: nothing is lost, nothing comes twice, and the rest goes on. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function dovecot(): Promise<DovecotServer> {
  const server = await startDovecot({ tls: false });
  cleanups.push(() => server.stop());
  return server;
}

async function proxyTo(server: DovecotServer): Promise<CuttingProxy> {
  const proxy = await startCuttingProxy(server.port);
  cleanups.push(() => proxy.close());
  return proxy;
}

const configOf = ({ user, password }: DovecotServer, port: number, more: object = {}) => ({
  accounts: [
    {
      name: "work",
      firstSight: "2d",
      imap: { host: "127.0.0.1", port, secure: false, user, password },
      ...more,
    },
  ],
});

/** The messages that findings are about: one, or those of a conversation. */
const keysIn = (observations: { key: string; data?: unknown }[]) =>
  observations.flatMap(({ key, data }) => {
    const { messages } = data as { messages?: { key: string }[] };
    return messages?.map((message) => message.key) ?? [key];
  });

describe.skipIf(!dovecotAvailable())("a connection", () => {
  it("that breaks after any line of the server costs no message and shows none twice", async () => {
    const server = await dovecot();
    const proxy = await proxyTo(server);
    const watch = new Watch(configOf(server, proxy.port));
    await watch.look();
    const seen: string[] = [];
    let added = 0;
    let whole = false;
    for (let lines = 1; !whole && lines < 200; lines += 1) {
      await server.addMessage(mail({ id: `${(added += 1)}@x` }));
      await server.addMessage(mail({ id: `${(added += 1)}@x` }));
      const cutsBefore = proxy.cuts();
      proxy.cutAfter(lines);
      const outcome = await watch.look().catch((error: unknown) => error as { code: string });
      if ("opened" in outcome) seen.push(...keysIn(outcome.opened));
      else expect(outcome.code).toMatch(/^IMAP_/);
      whole = proxy.cuts() === cutsBefore;
      proxy.cutAfter(undefined);
      seen.push(...keysIn((await watch.look()).opened));
      expect(seen).toHaveLength(added);
    }
    expect(whole).toBe(true);
    expect(proxy.cuts()).toBeGreaterThan(20);
    expect(new Set(seen).size).toBe(added);
  });

  it("that breaks at any line of a change is a change that is done, or not, or said to be unknown", async () => {
    const server = await dovecot();
    const proxy = await proxyTo(server);
    const { tool } = loadInbox(configOf(server, proxy.port));
    const counts = { done: 0, refused: 0, unknown: 0 };
    let whole = false;
    for (let lines = 1; !whole && lines < 200; lines += 2) {
      await server.addMessage(mail({ id: `${lines}@x` }));
      const input = { id: `${lines}@x` };
      const cutsBefore = proxy.cuts();
      proxy.cutAfter(lines);
      const outcome = await tool("archive")
        .run(input)
        .catch((error: unknown) => error as Error);
      whole = proxy.cuts() === cutsBefore;
      proxy.cutAfter(undefined);
      const truth = await tool("archive").reconcile(input);
      const isDone = truth !== "not-done";
      if (!(outcome instanceof Error)) {
        counts.done += 1;
        expect(isDone).toBe(true);
      } else if (outcome.name === "ToolError") {
        counts.refused += 1;
        expect(isDone).toBe(false);
      } else counts.unknown += 1;
    }
    expect(whole).toBe(true);
    expect(counts.done).toBeGreaterThan(0);
    expect(counts.refused).toBeGreaterThan(5);
    expect(counts.unknown).toBeGreaterThan(0);
  });
});

describe.skipIf(!dovecotAvailable())("a folder that was renamed", () => {
  it("is told, does not stop the others, and loses nothing", async () => {
    const server = await dovecot();
    const { maildir } = server;
    const more = { folders: ["INBOX", "Support"] };
    const config = configOf(server, server.port, more);
    await loadInbox(config)
      .tool("draft")
      .run({ to: ["a@b.example"], subject: "a", text: "b" });
    await rename(join(maildir, ".Drafts"), join(maildir, ".Support"));
    const deliver = (folder: string, id: string) =>
      writeFile(join(maildir, folder, "cur", `${id}:2,`), mail({ id: `${id}@x` }), { mode: 0o666 });
    const watch = new Watch(config);
    expect((await watch.look()).opened).toHaveLength(1);

    await rename(join(maildir, ".Support"), join(maildir, ".Help"));
    await deliver(".Help", "hidden");
    await server.addMessage(mail({ id: "inbox@x" }));
    const during = await watch.look();
    expect(during.opened.map(({ title }) => title).sort()).toEqual([
      "Mail from Anna Berg: Lunch",
      "The folder Support of work cannot be looked at",
    ]);
    expect(during.notes.join()).toMatch(/folder Support was not looked at.*no folder "Support"/);
    expect((await watch.look()).opened).toEqual([]);

    await rename(join(maildir, ".Help"), join(maildir, ".Support"));
    const after = await watch.look();
    expect(keysIn(after.opened)).toEqual([expect.stringMatching(/^hidden@x#/)]);
    expect(after.gone).toEqual(["folder:Support"]);
  });
});

describe("a message of two gigabytes", () => {
  const size = 2 * 1024 ** 3;
  async function deliver(path: string) {
    const file = await open(path, "w", 0o666);
    await file.write(`${mail({ id: "huge@x", subject: "huge" })}`);
    // Sparse: it takes no room on the disk.
    await file.truncate(size);
    await file.close();
  }

  it.skipIf(!dovecotAvailable())(
    "is seen over IMAP without fetching more than its beginning",
    async () => {
      const server = await dovecot();
      const proxy = await proxyTo(server);
      await deliver(join(server.maildir, "cur", `1.huge,S=${size},W=${size + 9}:2,`));
      const watch = new Watch(configOf(server, proxy.port));
      const { opened } = await watch.look();
      expect(opened[0]?.text).toContain("2048.0 MB, of which only the beginning was read");
      const { tool } = loadInbox(configOf(server, proxy.port));
      expect(await tool("read").run({ id: opened[0]?.key ?? "" })).toContain("Subject: huge");
      expect(proxy.received()).toBeLessThan(3 * 512 * 1024);
    },
  );

  it("is seen in a Maildir without reading more than its beginning", async () => {
    const box = await makeMaildir();
    cleanups.push(() => box.remove());
    await deliver(join(box.maildir, "cur", "1.huge:2,"));
    const accounts = [{ name: "work", maildir: "mail", firstSight: "2d" }];
    const { opened } = await new Watch({ accounts }, { baseDir: box.baseDir }).look();
    expect(opened[0]?.text).toContain("2048.0 MB");
  });
});

describe("malformed messages", () => {
  const valid = [
    mail({ headers: ["References: <a@x> <b@x>", "List-Id: <l.example>"] }),
    mail({
      subject: "=?utf-8?B?w6R0?= =?iso-8859-1?Q?=E4?=",
      headers: ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"],
      body: '--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>=C3=A4\n--b\nContent-Type: image/png; name="a"\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--',
    }),
    mail({ headers: ["Content-Type: message/rfc822"], body: mail({ id: "inner@x" }) }),
  ].map((text) => Buffer.from(text));
  const pieces = '\r\n|\n\n|--b|=?|;|"|<|(|charset=|base64|\0|\u00ff|:|\t|To: |%'.split("|");
  /** Always the same numbers: a failure can be looked at again. */
  const numbers = (seed: number) => () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const malformed = (index: number): Buffer => {
    const random = numbers(index + 1);
    const upTo = (limit: number) => Math.floor(random() * limit);
    let raw = valid[index % valid.length] ?? Buffer.alloc(0);
    for (let count = 1 + upTo(6); count > 0; count -= 1) {
      const at = upTo(raw.length);
      const put = Buffer.from(pieces[upTo(pieces.length)] ?? "", "latin1");
      raw = Buffer.concat([raw.subarray(0, at), put, raw.subarray(at + upTo(60))]);
    }
    // Beyond what this parser bears: nested without end.
    if (index % 500 === 0) {
      const part = "--b\nContent-Type: multipart/mixed; boundary=b\n\n".repeat(99);
      raw = Buffer.from(`Content-Type: multipart/mixed; boundary=b\n\n${part}`);
    }
    return Buffer.concat([raw, Buffer.from(`\n\n${index}`)]);
  };

  /** Looks until nothing comes any more. */
  async function seeAll(watch: Watch, count: number): Promise<void> {
    const seen: string[] = [];
    const unreadable: string[] = [];
    const notes: string[] = [];
    for (;;) {
      const look = await watch.look();
      if (look.opened.length === 0) break;
      expect(look.changed).toEqual([]);
      const titles = look.opened.map(({ title }) => title);
      unreadable.push(...titles.filter((title) => title.startsWith("A mail could not be read")));
      seen.push(...keysIn(look.opened));
      notes.push(...look.notes);
    }
    expect(new Set(seen).size).toBe(count);
    expect(seen).toHaveLength(count);
    expect(unreadable.length).toBeGreaterThanOrEqual(count / 500);
    for (const title of unreadable) expect(notes).toContain(title);
  }
  const goodOnes = ["Mail from Anna Berg: good"];

  it("are each seen once, five thousand of them, and those that cannot be read are named", async () => {
    const box = await makeMaildir();
    cleanups.push(() => box.remove());
    for (let index = 0; index < 5_000; index += 1) await box.add(`${index}.x`, malformed(index));
    const accounts = [{ name: "work", maildir: "mail", firstSight: "2d" }];
    const watch = new Watch({ accounts }, { baseDir: box.baseDir });
    const started = performance.now();
    await seeAll(watch, 5_000);
    const seconds = (performance.now() - started) / 1_000;
    process.stdout.write(`5,000 malformed messages: ${seconds.toFixed(1)} s\n`);
    await box.add("good.x", mail({ id: "good@x", subject: "good" }));
    expect((await watch.look()).opened.map(({ title }) => title)).toEqual(goodOnes);
  });

  it.skipIf(!dovecotAvailable())("are no more trouble when a server hands them out", async () => {
    const server = await dovecot();
    server.fill(500, malformed);
    const watch = new Watch(configOf(server, server.port));
    await seeAll(watch, 500);
    await server.addMessage(mail({ id: "good@x", subject: "good" }));
    expect((await watch.look()).opened.map(({ title }) => title)).toEqual(goodOnes);
  });
});
