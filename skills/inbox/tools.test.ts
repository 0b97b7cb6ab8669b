import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { loadInbox, mail, makeMaildir, Watch } from "./inbox-fixture.ts";

/** The tools that change a mailbox, on a real IMAP server and in a Maildir: both keep their mail in files. */

interface Backend {
  readonly account: Record<string, unknown>;
  readonly baseDir: string;
  readonly maildir: string;
  add(raw: string, arrivedAt?: Date): Promise<unknown>;
}

let dovecot: DovecotServer | undefined;
let backend: Backend;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const backends: { kind: string; available: boolean; open: () => Promise<Backend> }[] = [
  {
    kind: "an IMAP account",
    available: dovecotAvailable(),
    async open() {
      const server = dovecot;
      if (server === undefined) throw new Error("no Dovecot");
      const { maildir, port, user, password } = server;
      const imap = { host: "127.0.0.1", port, secure: false, user, password };
      cleanups.push(() => server.empty());
      return {
        account: { name: "work", address: "me@example.com", firstSight: "2d", imap },
        baseDir: "/",
        maildir,
        add: (raw, arrivedAt) => server.addMessage(raw, arrivedAt && { arrivedAt }),
      };
    },
  },
  {
    kind: "a Maildir account",
    available: true,
    async open() {
      const box = await makeMaildir();
      cleanups.push(() => box.remove());
      let added = 0;
      return {
        account: { name: "work", address: "me@example.com", firstSight: "2d", maildir: "mail" },
        baseDir: box.baseDir,
        maildir: box.maildir,
        add: (raw, arrivedAt) => box.add(`${(added += 1)}.x`, raw, arrivedAt && { arrivedAt }),
      };
    },
  },
];

beforeAll(async () => {
  if (dovecotAvailable()) dovecot = await startDovecot({ tls: false });
});
afterAll(() => dovecot?.stop());

describe.each(backends.filter(({ available }) => available))("with $kind", ({ open }) => {
  beforeEach(async () => {
    backend = await open();
  });

  const config = (more: object = {}) => ({ accounts: [{ ...backend.account, ...more }] });
  const inbox = (more: object = {}) => loadInbox(config(more), backend.baseDir);
  const tool = (name: string, more: object = {}) => inbox(more).tool(name);
  const filesIn = async (folder: string) => {
    const path = join(backend.maildir, folder);
    const lists = ["new", "cur"].map((part) => readdir(join(path, part)).catch(() => []));
    return (await Promise.all(lists)).flat();
  };
  const flags = async (folder = ".") =>
    (await filesIn(folder)).map((name) => name.split(":2,")[1] ?? "");
  const watch = () => new Watch(config(), { baseDir: backend.baseDir });

  describe("inbox_search", () => {
    it("finds the newest first by words, people and time, and marks nothing as read", async () => {
      const old = new Date(Date.now() - 5 * 86_400_000);
      await backend.add(mail({ id: "1@x", subject: "Old bill", body: "Please pay" }), old);
      await backend.add(mail({ id: "2@x", subject: "New", body: "the bill is here" }));
      await backend.add(mail({ id: "3@x", from: "Bob <bob@example.com>", to: "team@example.com" }));
      const search = async (input: object) => {
        const found = (await tool("search").run(input)) as { messages: { id: string }[] };
        return found.messages.map(({ id }) => id.split("#")[0]);
      };
      expect(await search({ query: "BILL" })).toEqual(["2@x", "1@x"]);
      expect(
        await search({ query: "bill", since: new Date(Date.now() - 86_400_000).toISOString() }),
      ).toEqual(["2@x"]);
      expect(await search({ from: "bob" })).toEqual(["3@x"]);
      expect(await search({ to: "team@" })).toEqual(["3@x"]);
      expect(await search({ query: "nothing like it" })).toEqual([]);
      expect(await search({})).toHaveLength(3);
      expect(await search({ limit: 1 })).toHaveLength(1);
      expect(await flags()).toEqual(["", "", ""]);
    });

    it("says of each what it is, with an id that the other tools take", async () => {
      await backend.add(mail({ body: "Shall we?\n\nAnna" }));
      const { messages } = (await tool("search").run({})) as { messages: { id: string }[] };
      expect(messages).toEqual([
        {
          id: expect.stringMatching(/^m1@example\.com#/),
          account: "work",
          from: "Anna Berg <anna@example.com>",
          to: ["me@example.com"],
          subject: "Lunch",
          date: expect.stringMatching(/^\d{4}-.*Z$/),
          snippet: "Shall we? Anna",
        },
      ]);
      expect(await inbox().readMail({ id: messages[0]?.id ?? "" })).toContain("Shall we?");
    });

    it("refuses what is no date and no number", async () => {
      await expect(tool("search").run({ since: "yesterday" })).rejects.toThrow();
      await expect(tool("search").run({ limit: 1_000 })).rejects.toThrow();
    });
  });

  describe("inbox_label", () => {
    it("puts a label on, says so once, and takes it away again", async () => {
      await backend.add(mail());
      const label = tool("label");
      const input = { id: "m1@example.com", label: "Bills" };
      const first = await label.run(input);
      expect(first).toMatchObject({ account: "work", folder: "INBOX", changed: true });
      expect(await flags()).toEqual(["a"]);
      expect(await readFile(join(backend.maildir, "dovecot-keywords"), "utf8")).toBe("0 Bills\n");
      expect(await label.reconcile(input)).toMatchObject({ result: { changed: true } });
      const second = await label.run(input);
      expect(second).toMatchObject({ changed: false });
      await label.undo(second);
      expect(await flags()).toEqual(["a"]);
      await label.undo(first);
      expect(await flags()).toEqual([""]);
      expect(await label.reconcile(input)).toBe("not-done");
    });

    it("takes a label away, and undo puts it back", async () => {
      await backend.add(mail());
      const label = tool("label");
      const input = { id: "m1@example.com", label: "Bills" };
      await label.run(input);
      const removed = await label.run({ ...input, remove: true });
      expect(await flags()).toEqual([""]);
      await label.undo(removed);
      expect(await flags()).toEqual(["a"]);
    });

    it("refuses a label by which mail programs hide mail, and one that is no label", async () => {
      await backend.add(mail());
      for (const label of ["Junk", "\\Deleted", "$Junk", "two words", "deleted", "NonJunk"])
        await expect(tool("label").run({ id: "m1@example.com", label })).rejects.toThrow();
      expect(await flags()).toEqual([""]);
    });
  });

  describe("inbox_mark_read", () => {
    it("marks one message and no other as read, and undo as unread", async () => {
      await backend.add(mail());
      await backend.add(mail({ id: "other@x" }));
      const markRead = tool("mark_read");
      expect(await markRead.reconcile({ id: "m1@example.com" })).toBe("not-done");
      const result = await markRead.run({ id: "m1@example.com" });
      expect((await flags()).sort()).toEqual(["", "S"]);
      expect(await markRead.reconcile({ id: "m1@example.com" })).toMatchObject({
        result: { changed: true },
      });
      await markRead.undo(result);
      expect(await flags()).toEqual(["", ""]);
    });
  });

  describe("inbox_archive", () => {
    it("moves a message with its label into an archive that it makes, and undo moves it back", async () => {
      await backend.add(mail());
      await backend.add(mail({ id: "other@x" }));
      const looking = watch();
      expect((await looking.look()).opened).toHaveLength(2);
      await tool("label").run({ id: "m1@example.com", label: "Bills" });
      const archive = tool("archive");
      const result = await archive.run({ id: "m1@example.com" });
      expect(result).toMatchObject({ from: "INBOX", to: "Archive", changed: true });
      expect(await filesIn(".")).toHaveLength(1);
      expect(await flags(".Archive")).toEqual(["a"]);
      expect(await inbox().readMail({ id: "m1@example.com" })).toContain("Shall we?");
      expect(await archive.run({ id: "m1@example.com" })).toMatchObject({ changed: false });
      expect(await archive.reconcile({ id: "m1@example.com" })).toMatchObject({
        result: { from: "INBOX", to: "Archive" },
      });
      expect(await archive.reconcile({ id: "other@x" })).toBe("not-done");

      await archive.undo(result);
      expect(await filesIn(".")).toHaveLength(2);
      expect(await filesIn(".Archive")).toEqual([]);
      // It is back, and no news.
      expect((await looking.look()).observations).toEqual([]);
    });

    it("says when it is too late to undo", async () => {
      await backend.add(mail());
      const result = await tool("archive").run({ id: "m1@example.com" });
      for (const part of ["new", "cur"]) {
        const folder = join(backend.maildir, ".Archive", part);
        for (const name of await readdir(folder)) await rm(join(folder, name));
      }
      await expect(tool("archive").undo(result)).rejects.toMatchObject({
        code: "INBOX_UNDO_TOO_LATE",
      });
    });

    it("moves the very message that was meant, of two under one Message-ID", async () => {
      await backend.add(mail({ body: "first" }));
      await backend.add(mail({ body: "second" }));
      const { opened } = await watch().look();
      const meant = opened.find(({ text }) => text?.endsWith("first"))?.key ?? "";
      await tool("archive").run({ id: meant });
      const [left = ""] = await filesIn(".");
      const raw = await readFile(join(backend.maildir, "new", left), "utf8").catch(() =>
        readFile(join(backend.maildir, "cur", left), "utf8"),
      );
      expect(raw).toContain("second");
    });
  });

  describe("inbox_draft", () => {
    const draft = { to: ["anna@example.com"], subject: "Re: Lunch", text: "At one." };

    it("writes an answer into the folder for drafts, in its thread, and undo takes it away", async () => {
      await backend.add(mail({ headers: ["References: <a@x> <b@x>"] }));
      const write = tool("draft");
      const input = { ...draft, inReplyTo: "m1@example.com" };
      expect(await write.reconcile(input)).toBe("not-done");
      const result = await write.run(input);
      expect(result).toMatchObject({ account: "work", folder: "Drafts" });
      expect(await flags(".Drafts")).toEqual(["DS"]);
      const [name = ""] = await filesIn(".Drafts");
      const raw = await readFile(join(backend.maildir, ".Drafts", "cur", name));
      const { from, to, subject, text, inReplyTo, references } = await PostalMime.parse(raw);
      expect({ from: from?.address, to: to?.[0]?.address, subject, text: text?.trim() }).toEqual({
        from: "me@example.com",
        to: "anna@example.com",
        subject: "Re: Lunch",
        text: "At one.",
      });
      expect(inReplyTo).toBe("<m1@example.com>");
      expect(references).toBe("<a@x> <b@x> <m1@example.com>");
      expect(await write.reconcile(input)).toEqual({ result });
      await write.undo(result);
      expect(await filesIn(".Drafts")).toEqual([]);
      expect(await write.reconcile(input)).toBe("not-done");
    });

    it("does not take a draft away that the owner has changed", async () => {
      const result = await tool("draft").run(draft);
      const [name = ""] = await filesIn(".Drafts");
      const path = join(backend.maildir, ".Drafts", "cur", name);
      const raw = await readFile(path, "utf8");
      await rm(path);
      const changed = raw.replace("At one.", "At two, in town.");
      await writeFile(join(backend.maildir, ".Drafts", "cur", "9.changed:2,DS"), changed, {
        mode: 0o666,
      });
      await expect(tool("draft").undo(result)).rejects.toMatchObject({
        code: "INBOX_UNDO_TOO_LATE",
      });
      expect(await filesIn(".Drafts")).toHaveLength(1);
    });
  });

  it.each([
    ["label", { label: "Bills" }],
    ["mark_read", {}],
    ["archive", {}],
    ["read", {}],
  ])("inbox_%s refuses a message or an account that is not there", async (name, more) => {
    await backend.add(mail());
    await expect(tool(name).run({ id: "nobody@x", ...more })).rejects.toMatchObject({
      name: "ToolError",
      code: "INBOX_MESSAGE_UNKNOWN",
    });
    await expect(
      tool(name).run({ id: "m1@example.com", account: "home", ...more }),
    ).rejects.toMatchObject({ code: "INBOX_ACCOUNT_UNKNOWN" });
    expect(await flags()).toEqual([""]);
  });

  it.each([
    ["label", { label: "Bills" }],
    ["mark_read", {}],
    ["archive", {}],
    ["search", undefined],
  ])("inbox_%s does nothing once its time is up", async (name, more) => {
    await backend.add(mail());
    const signal = AbortSignal.abort(new Error("time is up"));
    const input = more === undefined ? {} : { id: "m1@example.com", ...more };
    await expect(tool(name).run(input, { signal })).rejects.toThrow();
    expect(await flags()).toEqual([""]);
  });

  it("says who a message is from only when the server has proven it", async () => {
    const proof = "Authentication-Results: mx.example.net; dmarc=pass header.from=example.com";
    await backend.add(mail({ id: "proven@x", headers: [proof] }));
    await backend.add(mail({ id: "claimed@x" }));
    const more = { authservId: "mx.example.net" };
    for (const [name, input] of [
      ["archive", {}],
      ["mark_read", {}],
      ["read", {}],
      ["label", { label: "Bills" }],
    ] as const) {
      expect(await tool(name, more).facts({ id: "proven@x", ...input })).toEqual({
        account: "work",
        from: "anna@example.com",
      });
      expect(await tool(name, more).facts({ id: "claimed@x", ...input })).toEqual({
        account: "work",
      });
    }
  });
});

describe("what the tools say of themselves", () => {
  it("is what policy needs to know", () => {
    const { tool } = loadInbox({ accounts: [{ name: "a", maildir: "m" }] });
    const said = ["search", "read", "label", "mark_read", "archive", "draft"].map((name) => {
      const { effect, harmless = false, undo, reconcile } = tool(name).definition;
      return [name, effect, harmless, undo !== undefined, reconcile !== undefined];
    });
    expect(said).toEqual([
      ["search", "read", false, false, false],
      ["read", "read", false, false, false],
      ["label", "write", true, true, true],
      ["mark_read", "write", false, true, true],
      ["archive", "write", false, true, true],
      ["draft", "write", true, true, true],
    ]);
  });
});

describe("a server that does not answer", () => {
  it("is let go of when the time of a tool is up", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    cleanups.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const imap = { host: "127.0.0.1", port, secure: false, user: "u", password: "p" };
    const stop = new AbortController();
    silent.once("connection", () => stop.abort(new Error("time is up")));
    const { tool } = loadInbox({ accounts: [{ name: "work", imap }] });
    await expect(tool("archive").run({ id: "a@x" }, { signal: stop.signal })).rejects.toThrow(
      "time is up",
    );
  });
});
