import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askedUnits, refusesMadeUpUsers } from "./asked-units.ts";

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
  ['ID=debian\nVERSION_ID="12"\n', true],
  ['ID=debian\nVERSION_ID="13"\n', false],
  ["ID=ubuntu\nVERSION_ID=12\n", false],
  ["", false],
])("on a system that says %j: that made-up users are nobody is %s", (text, refused) => {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-os-"));
  try {
    const file = join(dir, "os-release");
    expect(refusesMadeUpUsers(file)).toBe(false);
    writeFileSync(file, text);
    expect(refusesMadeUpUsers(file)).toBe(refused);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
