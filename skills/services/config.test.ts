import { describe, expect, it } from "vitest";
import { servicesConfig } from "./config.ts";

const web = { name: "api", http: "https://api.example.com/health" };

describe("the services config", () => {
  it("fills in defaults and takes what a target says of itself", () => {
    const { timeoutMs, targets } = servicesConfig.parse({
      every: "30s",
      targets: [
        web,
        { name: "db", tcp: "[::1]:5432", every: "5m", failureThreshold: 1, severity: "warning" },
        { name: "cert", tls: "example.com:443" },
      ],
    });
    expect(timeoutMs).toBe(10_000);
    const shared = {
      everyMs: 30_000,
      failureThreshold: 3,
      successThreshold: 2,
      severity: "critical",
    };
    expect(targets).toEqual([
      {
        ...shared,
        name: "api",
        kind: "http",
        url: web.http,
        method: "GET",
        headers: {},
        expect: { status: "2xx" },
      },
      {
        ...shared,
        name: "db",
        kind: "tcp",
        host: "::1",
        port: 5432,
        everyMs: 300_000,
        failureThreshold: 1,
        severity: "warning",
      },
      { ...shared, name: "cert", kind: "tls", host: "example.com", port: 443, warnDays: 14 },
    ]);
  });

  it("probes each minute when nothing is said", () => {
    expect(servicesConfig.parse({ targets: [web] }).targets[0]?.everyMs).toBe(60_000);
  });

  it("takes the example of the documentation, but for push", () => {
    const parsed = servicesConfig.safeParse({
      every: "1m",
      failureThreshold: 3,
      successThreshold: 2,
      targets: [
        {
          ...web,
          expect: { status: 200, body: "ok", maxMs: 800 },
          restart: { command: ["systemctl", "restart", "api"] },
        },
        { name: "db", tcp: "db.example.com:5432" },
        { name: "cert", tls: "example.com:443", warnDays: 14 },
      ],
    });
    expect(parsed.success).toBe(true);
    expect(parsed.data?.targets[0]?.restart).toEqual({
      command: ["systemctl", "restart", "api"],
      timeoutMs: 60_000,
    });
  });

  it.each([
    [
      "push",
      { name: "backup", push: { every: "1d", grace: "1h" } },
      "targets.0.push",
      /later version/,
    ],
    ["no kind", { name: "api" }, "targets.0", /exactly one of http, tcp or tls; it has none/],
    ["two kinds", { ...web, tcp: "a:1" }, "targets.0", /it has http and tcp/],
    ["a name with capitals", { ...web, name: "API" }, "targets.0.name", /small letters/],
    [
      "an address that is no address",
      { name: "a", http: "api.example.com" },
      "targets.0.http",
      /not a web address/,
    ],
    [
      "another protocol",
      { name: "a", http: "ftp://example.com" },
      "targets.0.http",
      /not a web address/,
    ],
    ["no port", { name: "a", tcp: "db.example.com" }, "targets.0.tcp", /not host:port/],
    ["port 0", { name: "a", tcp: "db.example.com:0" }, "targets.0.tcp", /not host:port/],
    ["a port too high", { name: "a", tls: "example.com:65536" }, "targets.0.tls", /not host:port/],
    ["IPv6 without brackets", { name: "a", tcp: "::1:5432" }, "targets.0.tcp", /\[::1\]:5432/],
    [
      "expect.body on tcp",
      { name: "a", tcp: "a:1", expect: { body: "x" } },
      "targets.0.expect.body",
      /only for http/,
    ],
    [
      "expect.maxMs on tls",
      { name: "a", tls: "a:1", expect: { maxMs: 5 } },
      "targets.0.expect.maxMs",
      /only for http and tcp/,
    ],
    [
      "headers on tls",
      { name: "a", tls: "a:1", headers: {} },
      "targets.0.headers",
      /only for http/,
    ],
    ["warnDays on http", { ...web, warnDays: 3 }, "targets.0.warnDays", /only for tls/],
    [
      "a body with HEAD",
      { ...web, method: "HEAD", expect: { body: "x" } },
      "targets.0.expect.body",
      /no body/,
    ],
    [
      "a status that is none",
      { ...web, expect: { status: "ok" } },
      "targets.0.expect.status",
      /such as "2xx"/,
    ],
    ["a bad duration", { ...web, every: "often" }, "targets.0.every", /not a duration/],
    ["an unknown key", { ...web, expct: {} }, "targets.0", /expct/],
    ["an empty restart", { ...web, restart: { command: [] } }, "targets.0.restart.command", /./],
  ])("refuses %s in one line at its place", (_, target, path, message) => {
    const { error } = servicesConfig.safeParse({ targets: [target] });
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toMatch(message);
    expect(error?.issues[0]?.message).not.toContain("\n");
  });

  it("refuses two targets of one name", () => {
    const { error } = servicesConfig.safeParse({ targets: [web, web] });
    expect(error?.issues).toMatchObject([
      { path: ["targets", 1, "name"], message: 'another target is named "api" already' },
    ]);
  });

  it("repeats neither the value of a bad header nor a password in an address", () => {
    const { error } = servicesConfig.safeParse({
      targets: [
        { ...web, headers: { authorization: "Bearer hush\nhush" } },
        { name: "b", http: "https://me:hush@example.com/" },
      ],
    });
    expect(error?.issues).toHaveLength(2);
    expect(JSON.stringify(error?.issues.map((issue) => issue.message))).not.toContain("hush");
  });
});
