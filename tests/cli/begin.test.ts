import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { createPlace } from "./place.ts";

test("init writes a config that is in order, and overwrites nothing", async () => {
  await using place = await createPlace();
  const first = await place.run("init");
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(first.stdout).toContain("wrote agent.config.ts");
  expect(first.stdout).toContain("watchkeeper config check");
  expect((await stat(place.path(".env"))).mode & 0o777).toBe(0o600);
  expect((await place.run("config", "check")).stdout).toContain("1 skill, 1 check");

  await place.write("agent.config.ts", "export default {};\n");
  await place.write("state/HEARTBEAT.md", "Mine.\n");
  const second = await place.json("init");
  expect(second.value).toMatchObject([{ written: false }, { written: false }, { written: false }]);
  expect(await place.read("agent.config.ts")).toBe("export default {};\n");
  expect(await place.read("state/HEARTBEAT.md")).toBe("Mine.\n");
});

test("everything that init only suggests is in order too", async () => {
  await using place = await createPlace({ IMAP_PASSWORD: "p" });
  await place.run("init");
  const suggested = (await place.read("agent.config.ts")).replaceAll(
    /^(\s*)\/\/ (?=\S)(?!New mail|Web pages|Any calendar)/gm,
    "$1",
  );
  await place.write("agent.config.ts", suggested.replaceAll(/^(\s*)\/\/ {3,}/gm, "$1"));
  const { exitCode, stdout, stderr } = await place.run("config", "check");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("3 skills, 5 checks");
});

test("demo watches its own small world, and leaves the folder it is called in alone", async () => {
  await using place = await createPlace();
  const demo = place.start("demo", "--dir", place.path("world"));
  await demo.seen(/beat 1: \d+ findings from 4 checks/);
  await demo.seen(/why now/);
  const { exitCode, stdout, stderr } = await demo.stop();
  expect(exitCode).toBe(0);
  for (const check of ["services/", "inbox/demo", "calendar/demo"]) expect(stdout).toContain(check);
  expect(stderr).toContain(place.path("world"));
  await expect(stat(place.stateDir)).rejects.toThrow("ENOENT");
});
