import { expect, test } from "vitest";
import { isPrivateAddress, nameFrom, namesApart } from "./names.ts";
import { readServer, serverText } from "./server-address.ts";
import { readServiceAddress } from "./service-address.ts";

test.each([
  ["https://example.com/health", "http", "https://example.com/health"],
  ["HTTP://example.com", "http", "HTTP://example.com"],
  ["example.com", "http", "https://example.com"],
  ["example.com/status", "http", "https://example.com/status"],
  ["db.example.com:5432", "tcp", "db.example.com:5432"],
  ["[::1]:5432", "tcp", "[::1]:5432"],
  ["tcp://db.example.com:5432/", "tcp", "db.example.com:5432"],
  ["tls://example.com", "tls", "example.com:443"],
  ["tls://example.com:8443/", "tls", "example.com:8443"],
  ["tls://[::1]:8443", "tls", "[::1]:8443"],
  ["  example.com  ", "http", "https://example.com"],
])("%j is a service: %s at %s", (text, kind, address) => {
  expect(readServiceAddress(text)).toEqual({ kind, address });
});

test.each([
  ["imap.example.com", { host: "imap.example.com", secure: true }],
  ["imap.example.com:143", { host: "imap.example.com", port: 143, secure: false }],
  ["imap.example.com:993", { host: "imap.example.com", port: 993, secure: true }],
  ["[::1]:1143", { host: "::1", port: 1143, secure: false }],
  ["imap.example.com:0", undefined],
  ["imap.example.com:70000", undefined],
  ["imaps://imap.example.com", undefined],
  ["me@example.com", undefined],
  ["two words", undefined],
  ["", undefined],
])("%j as a server is %j", (text, server) => {
  expect(readServer(text)).toEqual(server);
  if (server) expect(readServer(serverText(server))).toEqual(server);
});

test("STARTTLS is as it is said, whatever the port", () => {
  expect(readServer("h:993", true)).toMatchObject({ secure: false });
  expect(readServer("h:143", false)).toMatchObject({ secure: true });
});

test("names are what skills take, and each is given once", () => {
  const name = namesApart();
  expect(
    ["Me & You", "me-you", "🙂", "", "x".repeat(99)].map((text) => name(nameFrom(text))),
  ).toEqual(["me-you", "me-you-2", "mine", "mine-2", "x".repeat(36)]);
});

test.each([
  ["./mine.ics", false],
  ["https://example.com/team.ics", false],
  ["https://example.com/holidays/germany/basic.ics", false],
  ["https://me:word@example.com/mine.ics", true],
  ["https://example.com/mine.ics?key=1", true],
  ["webcal://example.com/ical/private-0123456789abcdef/basic.ics", true],
])("whether %j is a secret: %j", (text, isPrivate) => {
  expect(isPrivateAddress(text)).toBe(isPrivate);
});
