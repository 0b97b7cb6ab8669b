import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readOwnerFile, standingOrdersFile } from "./owner-file.ts";

function stateDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-owner-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function read(content: string | Buffer): Promise<string> {
  const dir = stateDir();
  writeFileSync(join(dir, standingOrdersFile), content);
  return readOwnerFile(dir, standingOrdersFile, unexpected);
}

const unexpected = (message: string): never => {
  throw new Error(message);
};

const cut = `(cut: ${standingOrdersFile} is longer than 8 KB)`;

it("reads the owner's words afresh each time", async () => {
  const dir = stateDir();
  expect(await readOwnerFile(dir, standingOrdersFile, unexpected)).toBe("");
  writeFileSync(join(dir, standingOrdersFile), "\n Wake me for Ann. Grüße 🙂\n\n");
  expect(await readOwnerFile(dir, standingOrdersFile, unexpected)).toBe(
    "Wake me for Ann. Grüße 🙂",
  );
  writeFileSync(join(dir, standingOrdersFile), "Never mind.");
  expect(await readOwnerFile(dir, standingOrdersFile, unexpected)).toBe("Never mind.");
});

it.each([
  ["exactly 8 KB whole", "x".repeat(8_192), "x".repeat(8_192)],
  ["a byte more, cut and said so", "x".repeat(8_193), `${"x".repeat(8_192)}\n${cut}`],
  ["half a character left out", `x${"🙂".repeat(4_000)}`, `x${"🙂".repeat(2_047)}\n${cut}`],
  ["nothing of an empty file", "", ""],
])("keeps %s", async (_, content, expected) => {
  expect(await read(content)).toBe(expected);
});

it("makes text even of what is none", async () => {
  const text = await read(Buffer.from([0xff, 0xfe, 0x41]));
  expect(text.isWellFormed()).toBe(true);
  expect(text).toContain("A");
});

it("is empty when there is a folder in its place, and says so", async () => {
  const dir = stateDir();
  mkdirSync(join(dir, standingOrdersFile));
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  expect(await readOwnerFile(dir, standingOrdersFile, warn)).toBe("");
  expect(warnings).toEqual([expect.stringContaining("HEARTBEAT.md cannot be read")]);
});
