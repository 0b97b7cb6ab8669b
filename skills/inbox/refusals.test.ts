import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { dovecotAvailable, type DovecotServer, startDovecot } from "../../tests/servers/dovecot.ts";
import { loadInbox, mail, makeMaildir, Watch } from "./inbox-fixture.ts";

/** Mailboxes that take no more, or that refuse: nothing is done, and it is said why. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function dovecot(settings: string): Promise<DovecotServer> {
  const server = await startDovecot({ tls: false, settings });
  cleanups.push(() => server.stop());
  return server;
}

const accountOf = ({ port, user, password }: DovecotServer) => ({
  accounts: [
    {
      name: "work",
      address: "me@example.com",
      firstSight: "2d",
      imap: { host: "127.0.0.1", port, secure: false, user, password },
    },
  ],
});
const draft = { to: ["anna@example.com"], subject: "Lunch", text: "At one." };

describe.skipIf(!dovecotAvailable())("an IMAP server", () => {
  it("that is full takes no draft and says so, and mail is watched on", async () => {
    const server = await dovecot(`
mail_plugins = quota
plugin {
  quota = count:User quota
  quota_rule = *:storage=1K
  quota_vsizes = yes
}
`);
    await server.addMessage(mail({ body: "x".repeat(3_000) }));
    const config = accountOf(server);
    const error: unknown = await loadInbox(config)
      .tool("draft")
      .run(draft)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ToolError", code: "INBOX_CHANGE_REFUSED" });
    expect(String(error)).toMatch(/quota/i);
    expect((await new Watch(config).look()).opened).toHaveLength(1);
  });

  it("without MOVE and UIDPLUS is not asked to remove one message among others", async () => {
    const server = await dovecot("imap_capability = IMAP4rev1 LITERAL+ ID IDLE NAMESPACE\n");
    await server.addMessage(mail());
    const error: unknown = await loadInbox(accountOf(server))
      .tool("archive")
      .run({ id: "m1@example.com" })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ToolError", code: "INBOX_MOVE_UNSUPPORTED" });
    expect(await server.messageFiles()).toHaveLength(1);
  });
});

describe("a Maildir", () => {
  it("in which no folder can be made takes neither draft nor archived mail, and says so", async () => {
    const box = await makeMaildir();
    cleanups.push(() => box.remove());
    await box.add("1.a", mail());
    for (const folder of [".Drafts", ".Archive"]) await writeFile(join(box.maildir, folder), "");
    const { tool } = loadInbox({ accounts: [{ name: "work", maildir: "mail" }] }, box.baseDir);
    const refused = { name: "ToolError", code: "INBOX_CHANGE_REFUSED" };
    await expect(tool("draft").run(draft)).rejects.toMatchObject(refused);
    await expect(tool("archive").run({ id: "m1@example.com" })).rejects.toMatchObject(refused);
    expect(await tool("read").run({ id: "m1@example.com" })).toContain("Shall we?");
  });

  it("gives a label up when another program holds the lock, and takes the 27th for one too many", async () => {
    const box = await makeMaildir();
    cleanups.push(() => box.remove());
    await box.add("1.a", mail());
    const { tool } = loadInbox({ accounts: [{ name: "work", maildir: "mail" }] }, box.baseDir);
    const keywords = Array.from({ length: 26 }, (_, index) => `${index} l${index}\n`).join("");
    await writeFile(join(box.maildir, "dovecot-keywords"), keywords);
    const label = (name: string) => tool("label").run({ id: "m1@example.com", label: name });
    await expect(label("more")).rejects.toMatchObject({ code: "INBOX_LABEL_REFUSED" });
    expect(await label("l25")).toMatchObject({ changed: true });
  });
});
