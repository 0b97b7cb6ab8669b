import { rm, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { freePort } from "../servers/free-port.ts";
import { furnish } from "./desk.ts";
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

test("what init says to type next means the files that it wrote", async () => {
  await using place = await createPlace();
  const { stdout } = await place.run(
    "init",
    "--config",
    "my own/agent.config.ts",
    "--state",
    "my own/state",
  );
  const options = `--config 'my own/agent.config.ts' --state 'my own/state'`;
  for (const command of ["config check", "doctor", "start"]) {
    expect(stdout).toContain(`npx watchkeeper ${command} ${options}\n`);
  }
});

test("everything that init only suggests is in order too", async () => {
  await using place = await createPlace({ IMAP_PASSWORD: "p" });
  await place.run("init");
  const suggested = (await place.read("agent.config.ts")).replaceAll(
    /^(\s*)\/\/ (?=\S)(?!New mail|Web pages|Any calendar|Also by)/gm,
    "$1",
  );
  await place.write("agent.config.ts", suggested.replaceAll(/^(\s*)\/\/ {3,}/gm, "$1"));
  const { exitCode, stdout, stderr } = await place.run("config", "check");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("3 skills, 8 checks");
});

test("doctor warns of what a look has seen, and of what it doubts", async () => {
  await using place = await createPlace();
  const port = await freePort();
  const target = (name: string, failureThreshold: number) =>
    `{ name: "${name}", tcp: "127.0.0.1:${port}", failureThreshold: ${failureThreshold} }`;
  await place.config(
    `{ skills: { services: { targets: [${target("off", 2)}, ${target("away", 1)}] } } }`,
  );
  const { exitCode, stdout } = await place.run("doctor");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^warn {2}services\/off: connection refused.* \(1 of 2\)$/m);
  expect(stdout).toMatch(/^warn {2}services\/away: away is down: connection refused/m);
});

test("a beat in which every check fails does not say that nothing is new", async () => {
  await using place = await createPlace();
  await furnish(place);
  await place.write("papers.json", "not json");
  await rm(place.path("light"));
  const blind = await place.run("beat");
  expect(blind.exitCode).toBe(0);
  expect(blind.stdout).toMatch(/\nnothing could be seen: 2 of 2 checks failed\n$/);
  await place.write("light", "");
  const half = await place.run("beat");
  expect(half.stdout).toMatch(/\nnothing new where it could be seen: 1 of 2 checks failed\n$/);
});

test.each([
  [
    "a promise that fails is a line, and the beat goes on",
    `void Promise.reject(new Error("lost"));`,
    { exitCode: 0, said: "something failed that nobody waited for: lost" },
  ],
  [
    "an error that nobody can catch is a line, and ends the beat",
    `setTimeout(() => { throw new Error("lost"); });\n        await new Promise(() => {});`,
    { exitCode: 1, said: "something was thrown that nobody caught: lost" },
  ],
])("of what a check leaves behind, %s", async (_, leaves, { exitCode, said }) => {
  await using place = await createPlace();
  await place.skill(
    "careless",
    `import { defineSkill } from "watchkeeper";
export default defineSkill({
  checks: () => ({
    look: {
      async observe() {
        ${leaves}
        return { observations: [] };
      },
    },
  }),
});
`,
  );
  await place.config(`{ skills: { "./skills/careless": {} } }`);
  expect(await place.run("beat")).toMatchObject({ exitCode, stderr: `watchkeeper: ${said}\n` });
});

test("two demos side by side have each a shop of their own", async () => {
  await using place = await createPlace();
  const begun = async (name: string) => {
    const demo = place.start("demo", "--dir", place.path(name));
    await demo.seen(/beat 1: /);
    return demo;
  };
  for (const demo of [await begun("one"), await begun("two")]) {
    const { exitCode, stderr } = await demo.stop();
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain("is taken");
  }
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
