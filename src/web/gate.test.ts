import { describe, expect, test } from "vitest";
import { decideGate, isLoopback, ownNames, type RequestHead } from "./gate.ts";

const own = ownNames({
  host: "127.0.0.1",
  port: 7373,
  publicUrl: undefined,
  localAddress: "127.0.0.1",
});
const head = (changes: Partial<RequestHead> = {}): RequestHead => ({
  method: "GET",
  target: "/",
  hosts: ["127.0.0.1:7373"],
  origins: [],
  fetchSites: [],
  fetchMode: undefined,
  fetchDestination: undefined,
  ...changes,
});
const decide = (changes: Partial<RequestHead>, names = own) => {
  const decision = decideGate(head(changes), names);
  return decision.ok ? "ok" : decision.status;
};

test.each([
  ["/", "ok"],
  ["/api/beats?limit=3", "ok"],
  ["/%2e%2e/", "ok"],
  ["//evil.example/", 400],
  ["http://evil.example/", 400],
  ["*", 400],
  ["", 400],
  ["/a b", 400],
  ["/é", 400],
])("the path %j: %s", (target, expected) => {
  expect(decide({ target })).toBe(expected);
});

describe("the host", () => {
  test.each([
    [["127.0.0.1:7373"], "ok"],
    [["LocalHost:7373"], "ok"],
    [["[::1]:7373"], "ok"],
    [[], 400],
    [["127.0.0.1:7373", "127.0.0.1:7373"], 400],
    [["127.0.0.1"], 403],
    [["127.0.0.1:80"], 403],
    [["127.1:7373"], 403],
    [["0.0.0.0:7373"], 403],
    [["localhost.:7373"], 403],
    [["localhost:7373.evil.example"], 403],
    [["127.0.0.1:7373@evil.example"], 403],
    [["127.0.0.1.nip.example:7373"], 403],
  ])("%j: %s", (hosts, expected) => {
    expect(decide({ hosts })).toBe(expected);
  });

  test("of port 80 needs no port", () => {
    const names = ownNames({
      host: "127.0.0.1",
      port: 80,
      publicUrl: undefined,
      localAddress: undefined,
    });
    expect(decide({ hosts: ["localhost"] }, names)).toBe("ok");
    expect(decide({ hosts: ["localhost:80"], origins: ["http://localhost"] }, names)).toBe("ok");
  });

  test("may be the address that the request came in on, and the one of the configuration", () => {
    const names = ownNames({
      host: "watch.lan",
      port: 7373,
      publicUrl: undefined,
      localAddress: "::ffff:192.0.2.7",
    });
    expect(decide({ hosts: ["192.0.2.7:7373"] }, names)).toBe("ok");
    expect(decide({ hosts: ["watch.lan:7373"] }, names)).toBe("ok");
    expect(decide({ hosts: ["192.0.2.8:7373"] }, names)).toBe(403);
    const six = ownNames({
      host: "::",
      port: 7373,
      publicUrl: undefined,
      localAddress: "2001:db8::1",
    });
    expect(decide({ hosts: ["[2001:db8::1]:7373"] }, six)).toBe("ok");
  });

  test("may be the one of publicUrl, with its origin alone", () => {
    const names = ownNames({
      host: "127.0.0.1",
      port: 7373,
      publicUrl: "https://watch.example",
      localAddress: undefined,
    });
    const hosts = ["watch.example"];
    expect(decide({ hosts, origins: ["https://watch.example"] }, names)).toBe("ok");
    expect(decide({ origins: ["https://watch.example"] }, names)).toBe("ok");
    expect(decide({ hosts, origins: ["http://watch.example"] }, names)).toBe(403);
    expect(decide({ hosts: ["watch.example:7373"] }, names)).toBe(403);
    expect(decide({ hosts: ["other.watch.example"] }, names)).toBe(403);
  });
});

test.each([
  [["http://127.0.0.1:7373"], "ok"],
  [["http://localhost:7373"], "ok"],
  [["https://127.0.0.1:7373"], 403],
  [["http://127.0.0.1:7374"], 403],
  [["http://127.0.0.1"], 403],
  [["null"], 403],
  [[""], 403],
  [["http://127.0.0.1:7373", "http://evil.example"], 403],
])("the origin %j: %s", (origins, expected) => {
  expect(decide({ method: "POST", origins })).toBe(expected);
});

test.each([
  ["GET", "same-origin", "cors", "empty", "ok"],
  ["POST", "same-origin", "navigate", "document", "ok"],
  ["GET", "none", "navigate", "document", "ok"],
  ["GET", "cross-site", "navigate", "document", "ok"],
  ["HEAD", "same-site", "navigate", "document", "ok"],
  ["POST", "cross-site", "navigate", "document", 403],
  ["POST", "same-site", "navigate", "document", 403],
  ["GET", "cross-site", "navigate", "iframe", 403],
  ["GET", "cross-site", "no-cors", "image", 403],
  ["GET", "same-site", "cors", "empty", 403],
  ["GET", "whatever", undefined, undefined, 403],
] as const)("%s of %s, %s to %s: %s", (method, site, fetchMode, fetchDestination, expected) => {
  expect(decide({ method, fetchSites: [site], fetchMode, fetchDestination })).toBe(expected);
});

test.each([
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["::1", true],
  ["LOCALHOST", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.1.4", false],
  ["127.0.0.1.example", false],
  ["watch.lan", false],
])("%s is of this machine alone: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
