import { describe, expect, it } from "vitest";
import { servicesConfig } from "./config.ts";

const web = { name: "api", http: "https://api.example.com/health" };

describe("the services config", () => {
  it("fills in defaults and takes what a target says of itself", () => {
    const { targets } = servicesConfig.parse({
      every: "30s",
      targets: [
        web,
        { name: "db", tcp: "[::1]:5432", every: "5m", failureThreshold: 1, severity: "warning" },
        { name: "cert", tls: "example.com:443" },
      ],
    });
    const shared = {
      everyMs: 30_000,
      timeoutMs: 10_000,
      failureThreshold: 3,
      successThreshold: 2,
      severity: "critical",
      reminderMs: null,
      maintenance: [],
      dependsOn: [],
      flapping: { downs: 5, withinMs: 3_600_000 },
    };
    expect(targets).toEqual([
      {
        ...shared,
        name: "api",
        kind: "http",
        url: web.http,
        method: "GET",
        headers: {},
        expect: { status: ["2xx"] },
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

  it("takes the example of the design", () => {
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
        { name: "backup", push: { every: "1d", grace: "1h" } },
      ],
    });
    expect(parsed.success).toBe(true);
    expect(parsed.data?.targets[0]?.restart).toEqual({
      command: ["systemctl", "restart", "api"],
      timeoutMs: 60_000,
      auto: false,
      maxPerHour: 2,
    });
  });

  it.each([
    ["no kind", { name: "api" }, "targets.0", /exactly one of http, tcp, .* or push; it has none/],
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
      /only for http, tcp, icmp and command/,
    ],
    [
      "headers on tls",
      { name: "a", tls: "a:1", headers: {} },
      "targets.0.headers",
      /only for http/,
    ],
    [
      "a request body with GET",
      { ...web, body: "{}" },
      "targets.0.body",
      /GET sends no body; say method: "POST"/,
    ],
    ["a status backwards", { ...web, expect: { status: "2x" } }, "targets.0.expect.status", /2xx/],
    [
      "a bad pattern",
      { ...web, expect: { bodyMatches: "(" } },
      "targets.0.expect.bodyMatches",
      /not a regular expression/,
    ],
    [
      "a bad path",
      { ...web, expect: { json: { "a..b": 1 } } },
      "targets.0.expect.json.a..b",
      /checks\[0\]\.state/,
    ],
    [
      "a threshold of a push target",
      { name: "a", push: { every: "1d" }, failureThreshold: 2 },
      "targets.0.failureThreshold",
      /push.grace/,
    ],
    ["an option as host", { name: "a", icmp: "-f" }, "targets.0.icmp", /a host is a name/],
    ["an option as unit", { name: "a", systemd: "--root" }, "targets.0.systemd", /a unit is named/],
    [
      "an amount of disk that is none",
      { name: "a", disk: { path: "/", minFree: "lots" } },
      "targets.0.disk.minFree",
      /write "10%" or "20GB"/,
    ],
    [
      "two limits of a disk",
      { name: "a", disk: { path: "/", minFree: "1GB", maxUsed: "90%" } },
      "targets.0.disk.maxUsed",
      /not both/,
    ],
    [
      "a name server by name",
      { name: "a", dns: { name: "example.com", server: "dns.example.com" } },
      "targets.0.dns.server",
      /address of a name server/,
    ],
    [
      "a window without a beginning",
      { ...web, maintenance: [{ duration: "1h" }] },
      "targets.0.maintenance.0",
      /write one of them/,
    ],
    [
      "a window that never comes",
      { ...web, maintenance: [{ cron: "0 0 31 2 *", duration: "1h" }] },
      "targets.0.maintenance.0",
      /not a cron expression/,
    ],
    ["an unknown parent", { ...web, dependsOn: ["x"] }, "targets.0.dependsOn", /no target/],
    ["a target that needs itself", { ...web, dependsOn: ["api"] }, "targets.0.dependsOn", /itself/],
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

  it("refuses a circle of targets, and a target with the name of the reference's check", () => {
    const circle = servicesConfig.safeParse({
      targets: [
        { ...web, dependsOn: ["b"] },
        { name: "b", tcp: "b:1", dependsOn: ["c"] },
        { name: "c", tcp: "c:1", dependsOn: ["b"] },
      ],
    });
    expect(circle.error?.issues.map(({ path }) => path.join("."))).toEqual([
      "targets.1.dependsOn",
      "targets.2.dependsOn",
    ]);
    const taken = servicesConfig.safeParse({
      reference: { tcp: "a.example:443" },
      targets: [{ ...web, name: "reference" }],
    });
    expect(taken.error?.issues[0]?.message).toMatch(/name of the reference's check/);
  });

  it("takes every kind of target, and what is written once for all", () => {
    const { targets, reference } = servicesConfig.parse({
      timeout: "5s",
      reminder: "4h",
      flapping: false,
      maintenance: [{ at: "2:30", days: ["sun", "wed"], duration: "1h" }],
      reference: { http: "https://a.example/" },
      targets: [
        { name: "a", dns: { name: "example.com", expect: "192.0.2.1" } },
        { name: "b", icmp: "::1", timeout: "1s" },
        { name: "c", disk: { path: "/", maxUsed: "90%" } },
        { name: "d", disk: { path: "/", minFree: "20 GiB" } },
        { name: "e", systemd: "backup@daily.service", reminder: "1h" },
        { name: "f", command: ["check", "x"], expect: { exitCode: [0, 1] } },
        { name: "g", push: { every: "1d" }, dependsOn: ["a"] },
      ],
    });
    expect(targets).toMatchObject([
      { kind: "dns", domain: "example.com", type: "A", records: ["192.0.2.1"], flapping: null },
      { kind: "icmp", host: "::1", timeoutMs: 1_000 },
      { kind: "disk", minFree: { percent: 10 } },
      { kind: "disk", minFree: { bytes: 20 * 2 ** 30 } },
      { kind: "systemd", unit: "backup@daily.service", reminderMs: 3_600_000 },
      { kind: "command", command: ["check", "x"], exitCodes: [0, 1], reminderMs: 14_400_000 },
      { kind: "push", intervalMs: 86_400_000, graceMs: 300_000, failureThreshold: 1 },
    ]);
    expect(targets[0]?.maintenance).toEqual([{ cron: "30 2 * * sun,wed", durationMs: 3_600_000 }]);
    expect(reference).toMatchObject({ kind: "http", method: "HEAD", timeoutMs: 5_000 });
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
