import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { dovecotAvailable, startDovecot } from "../../tests/servers/dovecot.ts";
import { asksSomething, ownWords } from "./asking.ts";
import { mail, type MailOptions, makeMaildir, Watch } from "./inbox-fixture.ts";

const day = 86_400_000;

describe("whether a mail asks something", () => {
  it.each([
    ["a question", "Shall we meet at one?", true],
    ["a question in brackets", "(or is Tuesday better?)", true],
    ["a request", "Please send me the contract.", true],
    ["a polite request", "Could you have a look", true],
    ["a German request", "Könntest du das prüfen", true],
    ["a statement", "We meet at one. See you there.", false],
    [
      "an address with a question mark",
      "See https://example.com/?a=b and www.example.com/?",
      false,
    ],
    ["a quoted question", "Yes.\n\n> Shall we meet at one?", false],
    ["a question below the answer", "Yes.\n\nOn Mon, Anna wrote:\nShall we?", false],
    ["a question in a signature", "Done.\n--\nQuestions? Call us", false],
    ["nothing", "", false],
  ])("is told of %s", (_, text, asks) => {
    expect(asksSomething({ subject: "Lunch", text, isAnswer: false })).toBe(asks);
  });

  it("counts a question in the subject, unless it is the subject of what is answered", () => {
    const mailWith = (isAnswer: boolean) => ({ subject: "Lunch?", text: "", isAnswer });
    expect(asksSomething(mailWith(false))).toBe(true);
    expect(asksSomething(mailWith(true))).toBe(false);
  });

  it("is quick whatever the text", async () => {
    const spent = await processorMs(() => {
      for (const text of [
        "?".repeat(2_000),
        "a?".repeat(1_000),
        "on ".repeat(700),
        "please ".repeat(300),
      ])
        asksSomething({ subject: text, text, isAnswer: false });
    });
    expect(spent).toBeLessThan(200);
    expect(ownWords("a\n> b\nc")).toBe("a\nc");
  });
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A mailbox with a folder for sent mail, watched for unanswered mail from a first look on. */
async function watched() {
  const box = await makeMaildir();
  cleanups.push(() => box.remove());
  for (const part of ["cur", "new", "tmp"])
    await mkdir(join(box.maildir, ".Sent", part), { recursive: true });
  const account = { name: "work", address: "me@example.com", maildir: "mail", firstSight: "1d" };
  const config = { accounts: [account], waitingFor: "3d" };
  const watch = new Watch(config, { baseDir: box.baseDir });
  let count = 0;
  return {
    watch,
    box,
    receive: (options: MailOptions) => box.add(`${(count += 1)}.in`, mail(options)),
    send: (options: MailOptions) =>
      box.add(
        join("..", ".Sent", "cur", `${(count += 1)}.out:2,S`),
        mail({ from: "me@example.com", to: "Bob <bob@example.com>", ...options }),
      ),
    waitingAfter: async (days: number) => {
      const { opened, gone } = await watch.look(new Date(Date.now() + days * day));
      const titles = opened
        .filter(({ key }) => key.startsWith("waiting:"))
        .map(({ title }) => title);
      return { titles, gone: gone.filter((key) => key.startsWith("waiting:")) };
    },
  };
}

describe("what waits for an answer", () => {
  it("is told once it has waited for long enough: the owner's questions and those to the owner", async () => {
    const { receive, send, waitingAfter } = await watched();
    await receive({ id: "in@x", body: "Shall we?" });
    await send({ id: "out@x", subject: "Contract", body: "Could you sign it?" });
    await send({ id: "fyi@x", subject: "FYI", body: "No need to answer." });
    expect((await waitingAfter(0)).titles).toEqual([]);
    expect((await waitingAfter(2)).titles).toEqual([]);
    expect((await waitingAfter(3.1)).titles.sort()).toEqual([
      "Anna Berg waits for your answer: Lunch",
      "No answer from Bob yet: Contract",
    ]);
    expect((await waitingAfter(4)).titles).toEqual([]);
  });

  it("is over with the answer, on either side, and is never told when it comes in time", async () => {
    const { receive, send, waitingAfter } = await watched();
    await receive({ id: "in@x", body: "Shall we?" });
    await receive({ id: "late@x", subject: "Late", body: "And this?" });
    await send({ id: "out@x", body: "Could you sign it?" });
    await waitingAfter(0);
    await send({ id: "answer@x", body: "Yes.", headers: ["In-Reply-To: <in@x>"] });
    await receive({
      id: "answer2@x",
      from: "bob@example.com",
      body: "Signed.",
      headers: ["References: <out@x>"],
    });
    expect((await waitingAfter(3.1)).titles).toEqual(["Anna Berg waits for your answer: Late"]);
    await send({ id: "answer3@x", body: "Done.", headers: ["References: <late@x>"] });
    expect((await waitingAfter(4)).gone).toHaveLength(1);
  });

  it("is not ended by a machine that answers, and not begun by one that asks", async () => {
    const { receive, send, waitingAfter } = await watched();
    await send({ id: "out@x", body: "Could you sign it?" });
    await waitingAfter(0);
    await receive({
      id: "away@x",
      from: "bob@example.com",
      body: "I am away. Is it urgent?",
      headers: ["Auto-Submitted: auto-replied", "In-Reply-To: <out@x>"],
    });
    expect((await waitingAfter(3.1)).titles).toEqual(["No answer from Bob yet: Lunch"]);
  });

  it("does not count when the owner is one of many, or asks themselves", async () => {
    const { receive, send, waitingAfter } = await watched();
    await receive({ id: "in@x", to: "team@example.com", body: "Anybody?" });
    await send({ id: "out@x", to: "me@example.com", body: "Milk?" });
    await waitingAfter(0);
    expect((await waitingAfter(4)).titles).toEqual([]);
  });

  it("is not told when the mail is marked as answered", async () => {
    const { receive, box, waitingAfter } = await watched();
    const path = await receive({ id: "in@x", body: "Shall we?" });
    await waitingAfter(0);
    await rename(path, join(box.maildir, "cur", "1.in:2,RS"));
    expect((await waitingAfter(4)).titles).toEqual([]);
  });

  it("is given up after a month", async () => {
    const { receive, watch, waitingAfter } = await watched();
    await receive({ id: "in@x", body: "Shall we?" });
    await waitingAfter(0);
    await waitingAfter(3.1);
    expect((await waitingAfter(34)).gone).toHaveLength(1);
    expect(watch.cursor).not.toContain("Anna");
  });

  it("is not looked for unless it is asked for", async () => {
    const { box } = await watched();
    await box.add("1.a", mail({ body: "Shall we?" }));
    const account = { name: "work", address: "me@example.com", maildir: "mail", firstSight: "1d" };
    const watch = new Watch({ accounts: [account] }, { baseDir: box.baseDir });
    await watch.look();
    expect((await watch.look(new Date(Date.now() + 9 * day))).observations).toEqual([]);
  });
});

describe.skipIf(!dovecotAvailable())("what waits for an answer on an IMAP server", () => {
  it("is found in its folder for sent mail, and by its mark for answered mail", async () => {
    const server = await startDovecot({
      tls: false,
      settings:
        "namespace inbox {\n inbox = yes\n mailbox Sent {\n special_use = \\Sent\n auto = create\n }\n}\n",
    });
    cleanups.push(() => server.stop());
    const { port, user, password } = server;
    const imap = { host: "127.0.0.1", port, secure: false, user, password };
    const account = { name: "work", address: "me@example.com", firstSight: "1d", imap };
    const watch = new Watch({ accounts: [account], waitingFor: "3d" });
    await watch.look();
    const sent = mail({ id: "out@x", from: "me@example.com", to: "bob@example.com" });
    await writeFile(join(server.maildir, ".Sent", "cur", "1.out:2,S"), sent, { mode: 0o666 });
    await server.addMessage(mail({ id: "in@x" }));
    const name = await server.addMessage(mail({ id: "marked@x", subject: "Marked" }));
    await watch.look();
    const find = (await server.messageFiles()).find((each) => each.startsWith(name)) ?? "";
    const folder = find.includes(":2,") ? "cur" : "new";
    await rename(join(server.maildir, folder, find), join(server.maildir, "cur", `${name}:2,R`));
    const { opened } = await watch.look(new Date(Date.now() + 4 * day));
    expect(opened.map(({ title }) => title).sort()).toEqual([
      "Anna Berg waits for your answer: Lunch",
      "No answer from bob@example.com yet: Lunch",
    ]);
  });
});
