import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SkillLog } from "watchkeeper";
import { startTokenServer, type TokenServer } from "../../tests/servers/token.ts";
import { createTokenSources } from "./oauth2.ts";

let tokens: TokenServer;
let folder: string;
let stateDir: string;
const warnings: unknown[] = [];
const log: SkillLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => warnings.push({ message, fields }),
};
const { signal } = new AbortController();

beforeEach(async () => {
  tokens = await startTokenServer("me");
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-oauth2-"));
  stateDir = join(folder, "skills", "inbox");
  warnings.length = 0;
});
afterEach(async () => {
  await tokens.stop();
  await rm(folder, { recursive: true });
});

/** The logins of a process that has just started. */
const started = () => createTokenSources({ stateDir, log });
const settings = (changes: object = {}) => ({
  tokenUrl: tokens.tokenUrl,
  clientId: "client",
  refreshToken: "refresh-0",
  ...changes,
});
const keptFiles = async () => (await readdir(stateDir)).map((name) => join(stateDir, name));

describe("a refresh token that is good for one time", () => {
  it("is replaced by the next one, and the newest outlives the process", async () => {
    const source = started()(settings());
    expect(await source.token(signal)).toBe("access-1");
    expect(await source.token(signal, "access-1")).toBe("access-2");
    expect(await started()(settings()).token(signal)).toBe("access-3");
    // A provider may take everything back when a used one comes again.
    expect(tokens.refused).toBe(0);
  });

  it("is on the disk before anybody has its access token", async () => {
    await started()(settings()).token(signal);
    const [file = "", ...others] = await keptFiles();
    expect(others).toEqual([]);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ refreshToken: "refresh-1" });
  });

  it("is kept for the owner's eyes only, in a file whose name gives nothing away", async () => {
    await started()(settings()).token(signal);
    const [file = ""] = await keptFiles();
    expect(file).toMatch(/\/oauth2-[0-9a-f]{32}\.token\.json$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
  });

  it("gives way to a new one in the owner's config", async () => {
    await started()(settings()).token(signal);
    tokens.refreshToken = "the-owner-s-new-one";
    const renewed = settings({ refreshToken: "the-owner-s-new-one" });
    expect(await started()(renewed).token(signal)).toBe("access-2");
  });

  it("is not used twice by two logins that differ in what they may do, nor by two that wait", async () => {
    const sourceFor = started();
    const [reading, sending] = [sourceFor(settings()), sourceFor(settings({ scope: "send" }))];
    const got = [reading.token(signal), reading.token(signal), sending.token(signal)];
    expect(await Promise.all(got)).toEqual(["access-1", "access-1", "access-2"]);
    expect(tokens.refused).toBe(0);
  });

  it("may have been used by another process meanwhile", async () => {
    const [daemon, command] = [started()(settings()), started()(settings())];
    await daemon.token(signal);
    await command.token(signal);
    expect(await daemon.token(signal, "access-1")).toBe("access-3");
    expect(tokens.refused).toBe(0);
  });

  it("is not lost with its file as long as the process does", async () => {
    const source = started()(settings());
    await source.token(signal);
    await rm(stateDir, { recursive: true });
    expect(await source.token(signal, "access-1")).toBe("access-2");
    expect(tokens.refused).toBe(0);
    expect(await keptFiles()).toHaveLength(1);
  });

  it("is kept although whoever asked for it is gone", async () => {
    const leaving = new AbortController();
    const source = started()(settings());
    const token = source.token(leaving.signal);
    leaving.abort(new Error("stopped"));
    await expect(token).rejects.toThrow("stopped");
    expect(await source.token(signal)).toBe("access-1");
    expect(tokens.given).toEqual(["access-1"]);
  });

  it("is used on and told of where it cannot be kept", async () => {
    stateDir = join(folder, "file", "inbox");
    await writeFile(join(folder, "file"), "");
    const source = started()(settings());
    await source.token(signal);
    expect(await source.token(signal, "access-1")).toBe("access-2");
    expect(tokens.refused).toBe(0);
    expect(warnings).toHaveLength(2);
    expect(JSON.stringify(warnings)).not.toMatch(/refresh-\d|access-\d/);
  });

  it.each(["", "{", '{"refreshToken":""}', '{"refreshToken":"refused"}'])(
    "falls back to the owner's when the file holds %j",
    async (text) => {
      await started()(settings()).token(signal);
      const [file = ""] = await keptFiles();
      await writeFile(file, text);
      tokens.refreshToken = "refresh-0";
      expect(await started()(settings()).token(signal)).toBe("access-2");
      expect(await started()(settings()).token(signal)).toBe("access-3");
    },
  );
});

it("keeps nothing where the provider leaves the owner's token as it is", async () => {
  tokens.rotates = false;
  const source = started()(settings());
  await source.token(signal);
  await source.token(signal, "access-1");
  await expect(readdir(stateDir)).rejects.toThrow("ENOENT");
});

it("gets no other token for a refused one when another was got since", async () => {
  const source = started()(settings());
  await source.token(signal);
  await source.token(signal, "access-1");
  expect(await source.token(signal, "access-1")).toBe("access-2");
});

it("says that the login is refused, without it, when neither the kept nor the owner's is good", async () => {
  await started()(settings()).token(signal);
  tokens.refreshToken = undefined;
  const failure = await started()(settings())
    .token(signal)
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "OAUTH2_REFUSED", retryable: false });
  expect((failure as Error).message).not.toMatch(/refresh-\d/);
});
