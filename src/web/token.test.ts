import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { derivedPushKey, isSame, makeToken, readToken } from "./token.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "watchkeeper-token-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

test("there is none until one is made", () => {
  expect(readToken(dir)).toBeUndefined();
  const token = makeToken(dir, { renew: false });
  expect(readToken(dir)).toBe(token);
});

test("its file is the owner's alone, and nothing half made is left", () => {
  makeToken(dir, { renew: false });
  makeToken(dir, { renew: true });
  derivedPushKey(dir, "backup");
  expect(readdirSync(dir).sort()).toEqual(["push-secret", "web-token"]);
  for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
});

test("the key of a push is the same each time, its own for each name, and not the secret", () => {
  const key = derivedPushKey(dir, "backup");
  expect(derivedPushKey(dir, "backup")).toBe(key);
  expect(derivedPushKey(dir, "backup2")).not.toBe(key);
  expect(readFileSync(join(dir, "push-secret"), "utf8")).not.toContain(key);
  makeToken(dir, { renew: true });
  expect(derivedPushKey(dir, "backup")).toBe(key);
});

test("texts of any length can be compared", () => {
  expect(isSame("a", "a")).toBe(true);
  expect(isSame("", "a")).toBe(false);
  expect(isSame("aa", "a")).toBe(false);
});
