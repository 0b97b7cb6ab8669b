import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { stat } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDeedsPlace, sending, type DeedsPlace } from "../cli/deeds.ts";
import { createPlace, oneLine, watching, type Place, type Running } from "../cli/place.ts";
import { freePort } from "../servers/free-port.ts";

/** The daemon as it is started, with its page, and the commands beside it. */

const pageAddress = async (daemon: Running): Promise<string> =>
  /http:[^"]+/.exec(await daemon.seen(/the page is at http:[^"]+/))?.[0] ?? "";

describe("beside a daemon", () => {
  let deeds: DeedsPlace;
  let place: Place;
  beforeEach(async () => {
    deeds = await createDeedsPlace();
    place = deeds.place;
  });
  afterEach(async () => deeds[Symbol.asyncDispose]());

  test("the API gives the same JSON as the commands, and the owner's word over it counts once", async () => {
    await deeds.ring(sending("ann@hill"), sending("bob@dale"));
    const daemon = place.start("start");
    const url = await pageAddress(daemon);
    const { stdout } = await place.run("web", "token");
    const headers = {
      authorization: `Bearer ${stdout.trim()}`,
      "content-type": "application/json",
    };
    const get = async (path: string) => {
      const reply = await fetch(new URL(path, url), { headers });
      return { status: reply.status, value: await reply.json() };
    };
    for (const [path, ...words] of [
      ["api/runs", "runs"],
      ["api/runs/1", "runs", "show", "1"],
      ["api/beats/1", "beats", "show", "1"],
      ["api/findings?all=true", "findings", "--all"],
      ["api/findings/1", "findings", "show", "1"],
      ["api/approvals", "approvals"],
      ["api/approvals/1", "approvals", "show", "1"],
    ] as const) {
      const said = await place.json(...words);
      expect(await get(path), path).toEqual({ status: 200, value: said.value });
    }
    const status = (await get("api/status")).value as Record<string, unknown>;
    const { value: said } = await place.json("status");
    expect(Object.keys(status)).toEqual(Object.keys(said as object));
    expect(status).toMatchObject({ running: true, pendingApprovals: 2, pid: daemon.pid });
    expect((await get("api/beats?limit=1")).value).toHaveLength(1);
    for (const path of ["api/beats?limit=0", "api/beats?limit=x", "api/findings?all=1"]) {
      expect((await get(path)).status, path).toBe(400);
    }
    for (const path of [
      "api/beats/999",
      "api/runs/999",
      "api/findings/999",
      "api/approvals/999",
      "api/beats/x",
      "api",
    ]) {
      expect((await get(path)).status, path).toBe(404);
    }

    const post = async (path: string, body: unknown) => {
      const reply = await fetch(new URL(path, url), {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return { status: reply.status, value: (await reply.json()) as Record<string, unknown> };
    };
    const { argumentsHash } = (await get("api/approvals/1")).value as { argumentsHash: string };
    for (const wrong of [{}, { argumentsHash: 1 }, { argumentsHash, more: 1 }, [], null]) {
      expect((await post("api/approvals/1/approve", wrong)).status).toBe(400);
    }
    const other = { argumentsHash: argumentsHash.replace(/./g, "0") };
    expect(await post("api/approvals/1/approve", other)).toMatchObject({ status: 409 });
    const approved = await post("api/approvals/1/approve", { argumentsHash });
    expect(approved).toMatchObject({ status: 200, value: { id: 1, status: "approved" } });
    expect((await post("api/approvals/1/approve", { argumentsHash })).status).toBe(409);
    const denied = await post("api/approvals/2/deny", { note: "he is away" });
    expect(denied).toMatchObject({ status: 200, value: { status: "denied", note: "he is away" } });
    const late = await place.run("approve", "2");
    expect(late.stderr).toContain("approval 2 was denied already");

    // The daemon stops once what is approved has been carried out.
    const stopped = await daemon.stop();
    expect(stopped.exitCode).toBe(0);
    await place.run("beat");
    expect(await deeds.lines("sent.txt")).toEqual(["ann@hill: hello"]);
  });
});

describe("the start", () => {
  let place: Place;
  beforeEach(async () => {
    place = await createPlace();
  });
  afterEach(async () => place[Symbol.asyncDispose]());

  test("says that a port is taken, and goes on", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await place.config(`{ web: { port: ${port} } }`);
    const daemon = place.start("start");
    await daemon.seen(watching);
    await daemon.seen(
      new RegExp(`127\\.0\\.0\\.1:${port} is taken by another program; set web\\.port`),
    );
    const { exitCode, value } = await place.json("status");
    expect(exitCode).toBe(0);
    const why = expect.stringContaining(`127.0.0.1:${port} is taken`) as string;
    expect(value).toMatchObject({ web: { url: null, off: why } });
    expect((await place.run("status")).stdout.replace(/\s+/g, " ")).toContain(
      `the page is off: 127.0.0.1:${port} is taken by another program`,
    );
    expect((await daemon.stop()).exitCode).toBe(0);
    other.close();
  });

  test("goes on where the address is none of this machine's", async () => {
    await place.config(`{ web: { host: "192.0.2.1", port: 0 } }`);
    await place.run("web", "token");
    const daemon = place.start("start");
    await daemon.seen(/192\.0\.2\.1 is not an address of this machine/);
    await daemon.seen(watching);
  });

  test.each(["0.0.0.0", "watch.lan"])(
    "on %s without a token is refused with the way out, before anything is done",
    async (host) => {
      await place.config(`{ web: { host: "${host}", port: 0 } }`);
      const { exitCode, stdout, stderr } = await place.run("start");
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(
        `web.host ${host} can be reached from other machines, and there is no token`,
      );
      expect(stderr).toContain(
        "Make one with `watchkeeper web token`, or set web.host to 127.0.0.1",
      );
      expect(stderr).not.toMatch(watching);
      const checked = await place.run("config", "check");
      expect(checked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("no token") });
      expect((await place.run("doctor")).stdout).toMatch(/fail +config: web\.host [^]* no\s+token/);
      await place.run("web", "token");
      expect((await place.run("config", "check")).exitCode).toBe(0);
    },
  );

  test("`doctor` says beforehand that the port is taken, or free", async () => {
    const port = await freePort();
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    await place.config(`{ web: { port: ${port} } }`);
    const { exitCode, stdout } = await place.run("doctor");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/warn +web: there would be no page: 127\.0\.0\.1:\d+\s+is\s+taken/);
    other.close();
    await once(other, "close");
    expect((await place.run("doctor")).stdout).toMatch(/ok +web: http.* is free/);
  });

  test("opens nothing when web is switched off", async () => {
    await place.config(`{ web: false }`);
    const daemon = place.start("start");
    await daemon.seen(watching);
    expect((await daemon.stop()).stderr).not.toContain("the page");
  });
});

describe("web token", () => {
  let place: Place;
  beforeEach(async () => {
    place = await createPlace();
    await place.skill(
      "jobs",
      `import { defineSkill, z } from "watchkeeper";
       export default defineSkill({
         config: z.strictObject({ key: z.string() }),
         checks: () => ({ all: { observe: async () => ({ observations: [] }) } }),
         pushes: ({ config }) => ({ backup: { check: "all" }, mirror: { check: "all", key: config.key } }),
       });`,
    );
    await place.config(
      `{ web: { port: 8099 }, skills: { "./skills/jobs": { key: "hush hush" } } }`,
    );
  });
  afterEach(async () => place[Symbol.asyncDispose]());

  test("prints the same each time, and another with --new; its file is the owner's alone", async () => {
    const first = await place.run("web", "token");
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(first.stdout).toMatch(/^[\w-]{43}\n$/);
    expect((await place.run("web", "token")).stdout).toBe(first.stdout);
    const renewed = await place.json("web", "token", "--new");
    expect(renewed.value).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/) as string });
    expect(renewed.value).not.toEqual({ token: first.stdout.trim() });
    expect((await stat(place.path("state/web-token"))).mode & 0o777).toBe(0o600);
    expect((await stat(place.path("state"))).mode & 0o777).toBe(0o700);
  });

  test("prints the key of a push with a line to copy, and never one of the configuration", async () => {
    const derived = await place.json("web", "token", "--push", "backup");
    const { key } = derived.value as { key: string };
    const url = "http://127.0.0.1:8099/push/backup";
    const command = `curl -fsS -X POST -H "Authorization: Bearer ${key}" ${url}`;
    expect(derived.value).toEqual({ name: "backup", key, url, command });
    expect((await place.run("web", "token", "--push", "backup")).stdout).toBe(
      `${key}\n${command}\n`,
    );
    const own = await place.run("web", "token", "--push", "mirror");
    expect(own.stdout).toContain("its key is the one of your configuration\n");
    expect(own.stdout).not.toContain("hush");
  });

  test("names the port on which the daemon listens now, whatever was configured", async () => {
    await place.config(
      `{ web: { port: 0 }, skills: { services: { targets: [{ name: "backup", push: { every: "1d" } }] } } }`,
    );
    const daemon = place.start("start");
    const [, url = ""] = /page is at (http:\S+)\//.exec(await daemon.seen(/page is at \S+/)) ?? [];
    await daemon.seen(watching);
    const { value } = await place.json("web", "token", "--push", "backup");
    expect(value).toMatchObject({ url: `${url}/push/backup` });
    expect((await place.json("status")).value).toMatchObject({ web: { url, off: null } });
    expect((await place.run("status")).stdout).toContain(`the page is at ${url}/\n`);
    await daemon.stop();
    expect((await place.json("status")).value).toMatchObject({ web: null });
  });

  test.each([
    [["--push", "bakup"], 2, 'no skill waits for pushes of "bakup". Did you mean "backup"?'],
    [["--push", "x"], 2, 'no skill waits for pushes of "x"'],
    [["--push", "backup", "--new"], 2, "cannot be used with"],
  ])("%j is refused", async (words, code, message) => {
    const { exitCode, stdout, stderr } = await place.run("web", "token", ...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toContain(message);
  });
});
