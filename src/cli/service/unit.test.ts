import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, test } from "vitest";
import { systemdToolsAvailable } from "../../../tests/servers/systemd.ts";
import { buildUnit, isOwnUnit, isWritable, stateDirIn, type UnitSettings } from "./unit.ts";

const paths = {
  node: "/usr/bin/node",
  bin: "/usr/lib/node_modules/watchkeeper/bin/watchkeeper.js",
  config: "/etc/watchkeeper/agent.config.ts",
  workingDirectory: "/etc/watchkeeper",
};
const system = (
  service: Partial<Extract<UnitSettings["service"], { kind: "system" }>> = {},
): UnitSettings => ({
  ...paths,
  service: { kind: "system", state: { own: true }, credentials: [], homePaths: [], ...service },
});
const ofUser: UnitSettings = {
  ...paths,
  service: { kind: "user", stateDir: "/home/me/watch/state" },
};

const linesOf = (settings: UnitSettings) => buildUnit(settings).split("\n");
const valuesOf = (name: string, settings: UnitSettings) =>
  linesOf(settings).flatMap((line) =>
    line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : [],
  );

describe("both units", () => {
  test.each([
    ["of the machine", system()],
    ["of a user", ofUser],
  ])(
    "%s are ready when the daemon says so, watched by turns, and never given up",
    (_, settings) => {
      expect(linesOf(settings)).toEqual(
        expect.arrayContaining([
          "Type=notify",
          "NotifyAccess=all",
          "WatchdogSec=2min",
          "Restart=always",
          "RestartPreventExitStatus=2",
          "StartLimitIntervalSec=0",
          "KillMode=mixed",
          "UMask=0077",
          "LimitCORE=0",
          "NoNewPrivileges=yes",
          "Environment=MALLOC_ARENA_MAX=2",
        ]),
      );
      // Node makes code while it runs.
      expect(buildUnit(settings)).not.toContain("MemoryDenyWriteExecute=yes");
    },
  );
});

describe("the unit of the machine", () => {
  it("has a user and a state directory that systemd makes", () => {
    expect(linesOf(system())).toEqual(
      expect.arrayContaining([
        "DynamicUser=yes",
        "StateDirectory=watchkeeper",
        "StateDirectoryMode=0700",
        "ProtectHome=yes",
      ]),
    );
    expect(valuesOf("ExecStart", system())).toEqual([
      `":/usr/bin/node" "${paths.bin}" "start" "--config" "${paths.config}"`,
    ]);
  });

  it("runs as the owner of a state directory that is named, and writes nothing else", () => {
    const settings = system({ state: { directory: "/srv/watch", user: "robin" } });
    expect(valuesOf("User", settings)).toEqual(["robin"]);
    expect(valuesOf("DynamicUser", settings)).toEqual([]);
    expect(valuesOf("StateDirectory", settings)).toEqual([]);
    expect(valuesOf("ReadWritePaths", settings)).toEqual(['"/srv/watch"']);
    expect(valuesOf("ExecStart", settings)[0]).toMatch(/ "--state" "\/srv\/watch"$/);
  });

  it("sees of home folders only what it needs", () => {
    const settings = system({
      state: { directory: "/home/robin/watch/state", user: "robin" },
      homePaths: ["/home/robin/watch"],
    });
    expect(valuesOf("ProtectHome", settings)).toEqual(["tmpfs"]);
    expect(valuesOf("BindReadOnlyPaths", settings)).toEqual(['"/home/robin/watch"']);
    expect(valuesOf("BindPaths", settings)).toEqual(['"/home/robin/watch/state"']);
  });

  it("is handed secrets by systemd", () => {
    const settings = system({
      credentials: [{ name: ".env", file: "/etc/watch keeper/50%/.env" }],
    });
    expect(valuesOf("LoadCredential", settings)).toEqual([".env:/etc/watch keeper/50%%/.env"]);
  });
});

test("the unit of a user takes nothing that only root can give", () => {
  const text = buildUnit(ofUser);
  expect(text).not.toMatch(/DynamicUser|ProtectSystem|CapabilityBoundingSet|LoadCredential/);
  expect(text).toContain("WantedBy=default.target");
  expect(valuesOf("ExecStart", ofUser)[0]).toMatch(/ "--state" "\/home\/me\/watch\/state"$/);
});

test("a unit says whose it is, and where its state is", () => {
  expect(isOwnUnit(buildUnit(system()))).toBe(true);
  expect(isOwnUnit("[Unit]\nDescription=mine\n")).toBe(false);
  expect(stateDirIn(buildUnit(system()))).toBe("/var/lib/watchkeeper");
  expect(stateDirIn(buildUnit(ofUser))).toBe("/home/me/watch/state");
  expect(stateDirIn("[Unit]\n")).toBeUndefined();
});

test.each([
  ["/etc/watch\nkeeper", false],
  ["/etc/watchkeeper ", false],
  ["/etc/watchkeeper\\", false],
  ["/etc/a b/%n/$HOME/\"q\"/back\\slash/'x':y/é", true],
])("%j can stand in a unit: %s", (path, can) => {
  expect(isWritable(path)).toBe(can);
});

describe.skipIf(!systemdToolsAvailable())("as systemd reads it", () => {
  const run = promisify(execFile);

  async function withUnit<Result>(settings: UnitSettings, use: (file: string) => Promise<Result>) {
    const folder = await mkdtemp(join(tmpdir(), "watchkeeper-unit-"));
    try {
      const file = join(folder, "watchkeeper.service");
      await writeFile(file, buildUnit(settings));
      return await use(file);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  test("the machine's exposes no more than 2.0 of 10", async () => {
    const { stdout } = await withUnit(system(), (file) =>
      run("systemd-analyze", ["security", "--offline=true", "--threshold=20", "--no-pager", file]),
    );
    const exposure = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
    expect(Number(exposure)).toBeGreaterThan(0);
    expect(Number(exposure)).toBeLessThanOrEqual(2);
  });

  const odd = "/srv/a b/50%n/$HOME/\"q\"/back\\slash/'x':y/é";
  test.each([
    ["the machine's", system({ state: { directory: "/srv/state", user: "root" } })],
    ["a user's", ofUser],
    [
      "one of odd paths",
      {
        ...system({
          state: { directory: `${odd}/state`, user: "root" },
          credentials: [{ name: ".env", file: `${odd}/.env` }],
          homePaths: [`/home/${odd}`],
        }),
        ...{ bin: `${odd}/watchkeeper.js`, config: `${odd}/agent.config.ts` },
        workingDirectory: odd,
      },
    ],
  ])("%s has no line that is not understood", async (_, settings) => {
    const real = { ...settings, node: process.execPath };
    const { stderr } = await withUnit(real, (file) => run("systemd-analyze", ["verify", file]));
    const complaints = stderr
      .split("\n")
      .filter((line) => line.includes("watchkeeper.service"))
      // systemd 254 and newer know these.
      .filter((line) => !/Unknown key(?: name)? '(?:RestartSteps|RestartMaxDelaySec)'/.test(line));
    expect(complaints).toEqual([]);
  });
});
