import { expect, it } from "vitest";
import { isInsideAddress, whereIs } from "./inside.ts";
import { createHostFinder } from "./resolve-host.ts";

it.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["10.1.2.3", true],
  ["172.16.0.1", true],
  ["172.32.0.1", false],
  ["192.168.1.1", true],
  ["192.169.1.1", false],
  ["169.254.169.254", true],
  ["100.64.0.1", true],
  ["100.128.0.1", false],
  ["0.0.0.0", true],
  ["8.8.8.8", false],
  ["::1", true],
  ["[::1]", true],
  ["::", true],
  ["fe80::1%eth0", true],
  ["fd12:3456::1", true],
  ["2001:db8::1", false],
  ["::ffff:10.0.0.1", true],
  ["::ffff:7f00:1", true],
  ["::ffff:8.8.8.8", false],
  ["example.com", false],
])("%s is inside: %o", (address, inside) => {
  expect(isInsideAddress(address)).toBe(inside);
});

it.each([
  ["localhost", "inside"],
  ["db.localhost", "inside"],
  ["printer.local", "inside"],
  ["router.home.arpa", "inside"],
  ["[::1]", "inside"],
  ["8.8.8.8", "outside"],
  ["name.invalid", "outside"],
])("the host %s is %s", async (host, where) => {
  expect(await whereIs(host, new AbortController().signal, createHostFinder())).toBe(where);
});
