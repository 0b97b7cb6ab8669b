import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { whatHides, type Reader } from "./readable.ts";

const anybody: Reader = { name: "anybody", uid: null, groups: [] };
const me: Reader = { name: "me", uid: process.getuid?.() ?? 0, groups: [process.getgid?.() ?? 0] };

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-readable-"));
  await chmod(folder, 0o755);
  await mkdir(join(folder, "watch"), { mode: 0o755 });
  file = join(folder, "watch", "agent.config.ts");
  await writeFile(file, "", { mode: 0o644 });
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("what everybody may read hides from nobody", () => {
  expect(whatHides(file, anybody)).toBeUndefined();
  expect(whatHides(join(folder, "watch"), anybody)).toBeUndefined();
});

test("a closed file hides itself, and not from its owner", async () => {
  await chmod(file, 0o600);
  expect(whatHides(file, anybody)).toBe(file);
  expect(whatHides(file, me)).toBeUndefined();
});

test("a closed folder hides what is in it, unless a way is made below it", async () => {
  await chmod(folder, 0o700);
  expect(whatHides(file, anybody)).toBe(folder);
  expect(whatHides(file, anybody, join(folder, "watch"))).toBeUndefined();
  expect(whatHides(file, anybody, file)).toBeUndefined();
});

test("a folder that may be entered and not listed is no folder to read", async () => {
  await chmod(join(folder, "watch"), 0o711);
  expect(whatHides(join(folder, "watch"), anybody)).toBe(join(folder, "watch"));
  expect(whatHides(file, anybody)).toBeUndefined();
});

test("a group reads what is open to it", async () => {
  await chmod(file, 0o640);
  const stranger = { name: "stranger", uid: 4242, groups: me.groups };
  expect(whatHides(file, stranger)).toBeUndefined();
  expect(whatHides(file, { ...stranger, groups: [4242] })).toBe(file);
});
