import { mkdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createPlace, type Place } from "./place.ts";

/** The service as somebody types it, where no systemd runs: tests/systemd has the rest. */

let place: Place;
beforeEach(async () => {
  place = await createPlace({ XDG_CONFIG_HOME: "/nowhere/config" });
  await place.config("{ skills: {} }");
});
afterEach(async () => place[Symbol.asyncDispose]());

const fromDotEnv = (unit: string) =>
  [...unit.matchAll(/^LoadCredential=(.*)$/gm)].map(([, said]) => said);

describe("service install --dry-run", () => {
  test("prints the unit alone", async () => {
    const { exitCode, stdout } = await place.run("service", "install", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^# Written by /);
    expect(stdout).toContain("\n[Service]\nType=notify\n");
    expect(stdout).toContain(`"start" "--config" "${place.path("agent.config.ts")}"\n`);
    expect(stdout).toContain("\nDynamicUser=yes\n");
    expect(fromDotEnv(stdout)).toEqual([]);
  });

  test("says beside it what an install would refuse", async () => {
    const { stderr } = await place.run("service", "install", "--dry-run");
    expect(stderr.replaceAll(/\n {2}/g, " ")).toContain("lies in a temporary folder");
  });

  test("warns of targets that its made-up user may ask systemd for in vain", async () => {
    await place.config(
      `{ skills: { services: { targets: [{ name: "db", systemd: "db.service" }] } } }`,
    );
    const said = async (...more: string[]) =>
      (await place.run("service", "install", "--dry-run", ...more)).stderr.replaceAll("\n  ", " ");
    const warning = /db: to D-Bus the made-up user .* --state \/var\/lib\/watch/;
    expect(await said()).toMatch(warning);
    expect(await said("--user")).not.toMatch(warning);
  });

  test("hands over `.env`, and the secret files that it names", async () => {
    await place.write(
      ".env",
      "TOKEN=abc\nIMAP_PASSWORD_FILE=/etc/imap-password\nODD_FILE=\n",
      0o600,
    );
    const { stdout } = await place.run("service", "install", "--dry-run");
    expect(fromDotEnv(stdout)).toEqual([
      `.env:${place.path(".env")}`,
      "IMAP_PASSWORD:/etc/imap-password",
    ]);
    expect(stdout).not.toContain("abc");
  });

  test("with --user is the unit of that user, with the state directory of the folder", async () => {
    const { exitCode, stdout, stderr } = await place.run(
      "service",
      "install",
      "--user",
      "--dry-run",
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(` "--state" "${place.stateDir}"\n`);
    expect(stdout).not.toContain("DynamicUser");
  });

  test("with --state runs as the owner of that directory", async () => {
    await mkdir(place.stateDir, { mode: 0o700 });
    const { exitCode, stdout } = await place.run(
      "service",
      "install",
      "--dry-run",
      "--state",
      "state",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^User=\S+$/m);
    expect(stdout).toContain(`\nReadWritePaths="${place.stateDir}"\n`);
  });

  test("as JSON says where it would go", async () => {
    const { value } = await place.json("service", "install", "--user", "--dry-run");
    expect(value).toEqual({
      scope: "user",
      path: "/nowhere/config/systemd/user/watchkeeper.service",
      unit: expect.stringContaining("[Service]"),
    });
  });

  test("of a path that no unit can name is refused", async () => {
    await place.write("line\nbreak/agent.config.ts", "export default {};");
    const config = place.path("line\nbreak/agent.config.ts");
    const { exitCode, stdout, stderr } = await place.run(
      "--config",
      config,
      "service",
      "install",
      "--dry-run",
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^watchkeeper: a unit cannot name ".*line\\nbreak.*Give it a name/);
  });
});

test("without a terminal an install needs --yes", async () => {
  const { exitCode, stdout, stderr } = await place.run("service", "install");
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^watchkeeper: nobody is here to say yes\. Say it with --yes; /);
});

test("status says that nothing runs, with exit code 3, and in JSON too", async () => {
  expect(await place.run("service", "status", "--user")).toMatchObject({
    exitCode: 3,
    stdout: expect.stringMatching(/^service: not running\n {2}! /),
    stderr: "",
  });
  const { exitCode, value } = await place.json("service", "status", "--user");
  expect(exitCode).toBe(3);
  expect(value).toMatchObject({
    ...{ scope: "user", installed: false, enabled: false, active: "inactive", pid: null },
    ...{ restarts: 0, healthy: false, problems: [expect.stringMatching(/.{10}/)] },
  });
});

test("uninstall where there is none has nothing to do", async () => {
  const { exitCode, stdout } = await place.run("service", "uninstall", "--user");
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: "There is no service to remove: no /nowhere/config/systemd/user/watchkeeper.service.\n",
  });
});

test("a unit that somebody else has written is left alone", async () => {
  await place.write("config/systemd/user/watchkeeper.service", "[Service]\nExecStart=/bin/true\n");
  const environment = { XDG_CONFIG_HOME: place.path("config") };
  await using other = await createPlace(environment);
  const { exitCode, stderr } = await other.run("service", "uninstall", "--user", "--yes");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("was not written by watchkeeper. Move it away first");
  expect(await place.read("config/systemd/user/watchkeeper.service")).toContain("/bin/true");
});

test("the JSON of an uninstall says what was done", async () => {
  const view = z.strictObject({ scope: z.literal("user"), path: z.string(), removed: z.boolean() });
  const { value } = await place.json("service", "uninstall", "--user");
  expect(view.parse(value).removed).toBe(false);
});
