import { Resolver } from "node:dns/promises";
import { afterEach, expect, test } from "vitest";
import {
  closeNameServers,
  records,
  startNameServer,
  wireName,
  type Answer,
} from "../../skills/services/probes/name-server-fixture.ts";
import { answersFrom } from "../../src/cli/init/from-options.ts";
import { secretSource } from "../../src/cli/init/given-secret.ts";
import { findMailServers } from "../../src/cli/init/mail-servers.ts";

const types = { mx: 15, srv: 33 } as const;
const nothing: Answer = { code: 3, records: [] };

const numbers = (...values: number[]): Buffer =>
  Buffer.concat(
    values.map((value) => {
      const two = Buffer.alloc(2);
      two.writeUInt16BE(value);
      return two;
    }),
  );
const srv = (priority: number, port: number, name: string): Buffer =>
  Buffer.concat([numbers(priority, 0, port), name === "." ? Buffer.from([0]) : wireName(name)]);

/** Looks for the servers of an address with a real name server that knows these records. */
async function found(address: string, known: Readonly<Record<string, Answer>>) {
  return findMailServers(address, await namesThatKnow(known));
}

async function namesThatKnow(known: Readonly<Record<string, Answer>>): Promise<Resolver> {
  const server = await startNameServer(
    (type, name) =>
      known[`${type === types.mx ? "mx" : type === types.srv ? "srv" : "?"} ${name}`] ??
      known["all"] ??
      nothing,
  );
  const names = new Resolver({ timeout: 200, tries: 1 });
  names.setServers([server]);
  return names;
}

afterEach(closeNameServers);

test("well-known providers are known without asking anybody", async () => {
  const { imap, smtp, note, sure } = await found("me@GMAIL.com", { all: "silence" });
  expect({ imap: imap.host, smtp: smtp?.host, sure }).toEqual({
    imap: "imap.gmail.com",
    smtp: "smtp.gmail.com",
    sure: true,
  });
  expect(note).toContain("password made for this program");
});

test("a domain's own word counts, the first choice first", async () => {
  const servers = await found("me@example.org", {
    "srv _imaps._tcp.example.org": records(
      srv(20, 993, "second.example.org"),
      srv(10, 1993, "Mail.example.org"),
    ),
    "srv _submission._tcp.example.org": records(srv(0, 587, "send.example.org")),
  });
  expect(servers).toMatchObject({
    imap: { host: "mail.example.org", port: 1993, secure: true },
    smtp: { host: "send.example.org", port: 587, secure: false },
    sure: true,
  });
});

test("a server outside the domain is proposed, and is not sure", async () => {
  const servers = await found("me@example.org", {
    "srv _imaps._tcp.example.org": records(srv(0, 993, "imap.notexample.org")),
  });
  expect(servers).toMatchObject({ imap: { host: "imap.notexample.org" }, sure: false });
});

test("who takes a domain's mail keeps it", async () => {
  const servers = await found("me@example.org", {
    "mx example.org": records(Buffer.concat([numbers(1), wireName("aspmx.l.google.com")])),
  });
  expect(servers).toMatchObject({ imap: { host: "imap.gmail.com" }, sure: true });
});

test.each([
  ["that knows nothing", {}],
  ["that says there is none", { "srv _imaps._tcp.example.org": records(srv(0, 0, ".")) }],
  ["that is silent", { all: "silence" as const }],
  ["that answers nonsense", { all: records(Buffer.from([0])) }],
])("behind a name server %s the usual name is guessed", async (_, known) => {
  expect(await found("me@example.org", known)).toMatchObject({
    imap: { host: "imap.example.org", secure: true },
    smtp: { host: "smtp.example.org" },
  });
});

test("on the command line a password goes to no server outside the domain that nobody has named", async () => {
  const secrets = secretSource({ IMAP_PASSWORD: "p" }, () => "");
  const options = { check: true, mailAddress: "me@example.org" };
  const elsewhere = {
    "srv _imaps._tcp.example.org": records(srv(0, 993, "imap.notexample.org")),
  };
  await expect(
    answersFrom(options, { secrets, names: await namesThatKnow(elsewhere) }),
  ).rejects.toMatchObject({
    code: "INIT_SERVER_UNSURE",
    message: expect.stringContaining("imap.notexample.org") as string,
  });
  const { mail } = await answersFrom(options, { secrets, names: await namesThatKnow({}) });
  expect(mail).toMatchObject([{ imap: { host: "imap.example.org", user: "me@example.org" } }]);
});

test("mail is sent as it is read, where the provider is the same", async () => {
  const secrets = secretSource({ IMAP_PASSWORD: "p" }, () => "");
  const { channels } = await answersFrom(
    { check: true, mailAddress: "me@gmail.com", emailTo: "you@example.org" },
    { secrets, names: await namesThatKnow({ all: "silence" }) },
  );
  expect(channels).toEqual([
    {
      kind: "email",
      from: "me@gmail.com",
      to: "you@example.org",
      smtp: {
        host: "smtp.gmail.com",
        secure: true,
        user: "me@gmail.com",
        password: { value: "p" },
      },
    },
  ]);
});
