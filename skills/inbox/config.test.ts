import { describe, expect, it } from "vitest";
import { inboxConfig } from "./config.ts";

const imap = { host: "imap.example.com", user: "me", password: "secret" };
const oauth2 = { tokenUrl: "https://login.example.com/", clientId: "c", refreshToken: "r" };
const messagesOf = (config: unknown) =>
  inboxConfig.safeParse(config).error?.issues.map(({ message }) => message) ?? [];

describe("the inbox config", () => {
  it("fills in the defaults", () => {
    const { every, accounts } = inboxConfig.parse({ accounts: [{ name: "work", imap }] });
    expect(every).toBe("10m");
    expect(accounts[0]).toMatchObject({
      firstSight: 0,
      folders: ["INBOX"],
      imap: { secure: true },
    });
    expect(
      inboxConfig.parse({ accounts: [{ name: "a", maildir: "./m", firstSight: "2d" }] }).accounts[0]
        ?.firstSight,
    ).toBe(172_800_000);
  });

  it("takes the whole example of the documentation", () => {
    const smtp = {
      host: "smtp.example.com",
      port: 465,
      secure: true,
      user: "me",
      password: "secret",
    };
    const work = {
      name: "work",
      address: "me@example.com",
      firstSight: "now",
      imap: { ...imap, port: 993, secure: true },
      smtp,
    };
    const local = { name: "local", maildir: "./mail", firstSight: "2d" };
    expect(messagesOf({ every: "10m", accounts: [work, local] })).toEqual([]);
  });

  it("takes a user alone for smtp where imap has oauth2", () => {
    const { host, user } = imap;
    const smtp = { host: "smtp.example.com", user };
    const account = { name: "a", address: "a@b.example", imap: { host, user, oauth2 }, smtp };
    expect(messagesOf({ accounts: [account] })).toEqual([]);
  });

  it.each([
    ["no mailbox", [{ name: "a" }], /either imap or maildir/],
    ["two mailboxes", [{ name: "a", imap, maildir: "m" }], /not both/],
    [
      "a name used twice",
      [
        { name: "a", maildir: "m" },
        { name: "a", maildir: "n" },
      ],
      /used twice/,
    ],
    ["a name that is no file name", [{ name: "My Mail", maildir: "m" }], /lower-case letters/],
    [
      "a wrong firstSight",
      [{ name: "a", maildir: "m", firstSight: "yesterday" }],
      /neither "now" nor a duration/,
    ],
    [
      "smtp without an address",
      [{ name: "a", maildir: "m", smtp: { host: "h" } }],
      /has smtp and no address/,
    ],
    [
      "a user without a password",
      [{ name: "a", address: "a@b.example", maildir: "m", smtp: { host: "h", user: "u" } }],
      /a user and no password/,
    ],
    [
      "a user without a password where imap has one",
      [{ name: "a", address: "a@b.example", imap, smtp: { host: "h", user: "u" } }],
      /a user and no password/,
    ],
    [
      "a password without a user",
      [{ name: "a", address: "a@b.example", maildir: "m", smtp: { host: "h", password: "p" } }],
      /a password and no user/,
    ],
    [
      "oauth2 without a user",
      [{ name: "a", address: "a@b.example", maildir: "m", smtp: { host: "h", oauth2 } }],
      /oauth2 and no user/,
    ],
    [
      "a password beside oauth2",
      [
        {
          ...{ name: "a", address: "a@b.example", maildir: "m" },
          smtp: { host: "h", user: "u", password: "p", oauth2 },
        },
      ],
      /either password or oauth2, not both/,
    ],
    [
      "a server's name that is none",
      [{ name: "a", maildir: "m", authservId: "mx; dmarc=pass" }],
      /first word of your server's/,
    ],
    ["an unknown key", [{ name: "a", maildir: "m", foldr: "x" }], /foldr/],
    ["an unknown key of the server", [{ name: "a", imap: { ...imap, pasword: "x" } }], /pasword/],
  ])("refuses %s", (_, accounts, message) => {
    const messages = messagesOf({ accounts });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(message);
  });

  it("refuses a rule for an account that is not there", () => {
    const rules = [{ name: "r", match: { from: "a" }, label: "x", accounts: ["hom", "a"] }];
    expect(messagesOf({ accounts: [{ name: "a", maildir: "m" }], rules })).toEqual([
      expect.stringMatching(/no account "hom"; the accounts are a/),
    ]);
  });

  it("refuses waitingFor where no account says whose mail it is", () => {
    const accounts = [{ name: "a", maildir: "m" }];
    expect(messagesOf({ accounts, waitingFor: "3d" })).toEqual([
      expect.stringMatching(/write the address of an account/),
    ]);
    const known = [{ ...accounts[0], address: "a@b.example" }];
    expect(messagesOf({ accounts: known, waitingFor: "3d" })).toEqual([]);
  });
});
