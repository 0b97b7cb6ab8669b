import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeSecretFile, readSecretFile } from "./secret-file.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "watchkeeper-secret-"));
  path = join(dir, "some-secret");
});
afterEach(() => rmSync(dir, { recursive: true }));

test("there is none until one is made, then it stays until a new one is wanted", () => {
  expect(readSecretFile(path)).toBeUndefined();
  const secret = makeSecretFile(path, { renew: false });
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect([readSecretFile(path), makeSecretFile(path, { renew: false })]).toEqual([secret, secret]);
  const renewed = makeSecretFile(path, { renew: true });
  expect(renewed).not.toBe(secret);
  expect(readSecretFile(path)).toBe(renewed);
});

test("its file is the owner's alone, also when it was not, and nothing half made is left", () => {
  makeSecretFile(path, { renew: false });
  chmodSync(path, 0o644);
  makeSecretFile(path, { renew: false });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(["some-secret"]);
});

test.each([[""], ["\n"], ["short"], ["x".repeat(44)], ["x".repeat(42) + " "]])(
  "a file that holds %j is never a secret",
  (text) => {
    writeFileSync(path, text);
    expect(() => readSecretFile(path)).toThrow(/cannot use .*some-secret/);
    expect(() => makeSecretFile(path, { renew: false })).toThrow(/cannot use .*some-secret/);
  },
);
