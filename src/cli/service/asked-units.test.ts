import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askedUnits, knowsMadeUpUsers } from "./asked-units.ts";

const targets = (...list: object[]) => ({ skills: new Map([["services", { targets: list }]]) });

it("units are asked for by what watches one and by what restarts one", () => {
  const config = targets(
    {
      name: "api",
      http: "https://api.example.com",
      restart: { command: ["systemctl", "restart"] },
    },
    { name: "db", systemd: "postgresql.service" },
    { name: "bin", tcp: "a:1", restart: { command: ["/usr/bin/systemctl", "restart", "a"] } },
    { name: "own", tcp: "b:1", restart: { command: ["/opt/restart", "systemctl"] } },
    { name: "site", http: "https://example.com" },
  );
  expect(askedUnits(config)).toEqual(["api", "db", "bin"]);
  expect(askedUnits({ skills: new Map() })).toEqual([]);
});

it.each([
  ["passwd:         files systemd\n", true],
  ["passwd: files\ngroup: files systemd\n", false],
  ["", false],
])("of %j: whether made-up users have names is %s", (text, known) => {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-nss-"));
  try {
    const file = join(dir, "nsswitch.conf");
    expect(knowsMadeUpUsers(file)).toBe(false);
    writeFileSync(file, text);
    expect(knowsMadeUpUsers(file)).toBe(known);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
