import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { lookInput } from "watchkeeper/testing";
import { loadInbox, mail, makeMaildir } from "./inbox-fixture.ts";

const imap = { host: "imap.example.com", user: "me", password: "secret" };

describe("the inbox skill", () => {
  it("has one check per account, named by it, and one of each server that it logs in to", () => {
    const smtp = { host: "smtp.example.com" };
    const accounts = [
      { name: "work", imap },
      { name: "home", address: "me@example.com", imap, smtp },
      { name: "local", maildir: "./mail" },
    ];
    const { checks } = loadInbox({ every: "7m", accounts });
    expect(Object.keys(checks)).toEqual([
      ...["work", "work.login"],
      ...["home", "home.login", "home.smtp"],
      "local",
    ]);
    expect(checks["work"]).toMatchObject({ every: "7m", timeout: "60s" });
  });

  it("reads a message of a Maildir in full, wherever a mail program has moved it", async () => {
    const box = await makeMaildir();
    try {
      await box.add("1.a:2,S", mail({ body: "word ".repeat(1_000) }), { folder: "cur" });
      await box.add("2.b", mail({ id: null, body: "no id" }));
      const accounts = [{ name: "local", maildir: "./mail", firstSight: "2d" }];
      const { checks, readMail } = loadInbox({ accounts }, box.baseDir);
      const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
      const look = { cursor: null, now: new Date(), signal: AbortSignal.timeout(10_000), log };
      const found = (await checks["local"]?.observe(lookInput(look)))?.observations ?? [];
      expect(found).toHaveLength(2);
      const texts = await Promise.all(found.map(({ key }) => readMail({ id: key })));
      expect(texts.some((text) => text.length > 5_000)).toBe(true);
      expect(texts.some((text) => text.endsWith("no id"))).toBe(true);
      await expect(readMail({ id: "unknown@x" })).rejects.toMatchObject({
        code: "INBOX_MESSAGE_UNKNOWN",
      });
    } finally {
      await box.remove();
    }
  });

  it("loads no IMAP client for a set-up that has no IMAP account", async () => {
    const box = await makeMaildir();
    try {
      await box.add("1.a", mail());
      const script = `
        import { registerHooks } from "node:module";
        const asked = [];
        registerHooks({
          resolve(specifier, context, next) {
            asked.push(specifier);
            return next(specifier === "watchkeeper" ? ${JSON.stringify(urlOf("../../src/index.ts"))} : specifier, context);
          },
        });
        const { default: inbox } = await import(${JSON.stringify(urlOf("./index.ts"))});
        const config = inbox.config.parse({ accounts: [{ name: "a", maildir: "mail", firstSight: "2d" }] });
        const notificationMail = { isOurs: () => false, takeAnswer: async () => undefined };
        const checks = inbox.checks({ config, timezone: "UTC", baseDir: ${JSON.stringify(box.baseDir)}, log: {}, notificationMail });
        const signal = AbortSignal.timeout(9_000);
        const { observations } = await checks.a.observe({ cursor: null, now: new Date(), signal, log: {} });
        console.log(JSON.stringify({ asked, count: observations.length }));`;
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
      const { asked, count } = JSON.parse(stdout) as { asked: string[]; count: number };
      expect(count).toBe(1);
      expect(asked).toContain("postal-mime");
      expect(asked).not.toContain("imapflow");
    } finally {
      await box.remove();
    }
  });

  it("keeps its instructions short", async () => {
    const [, head = "", body = ""] = (
      await readFile(fileURLToPath(urlOf("./SKILL.md")), "utf8")
    ).split("---\n");
    expect(head).toMatch(/^name: inbox\ndescription: .+\n$/);
    expect(body.length).toBeLessThan(1_200);
  });
});

function urlOf(path: string): string {
  return new URL(path, import.meta.url).href;
}
