import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeMissing, missingServers } from "./real-servers.ts";

test("what is missing is said in one line with the way to have it, and nothing when all is there", () => {
  expect(describeMissing([])).toBeUndefined();
  expect(
    describeMissing([
      { program: "dovecot", package: "dovecot-imapd" },
      { program: "radicale", package: "radicale" },
    ]),
  ).toBe(
    "Left out: the tests against dovecot, radicale. To run them too: apt-get install dovecot-imapd radicale",
  );
});

test("a program counts as there when it can be run from the path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-path-"));
  const isMissing = () => missingServers(folder).some(({ program }) => program === "radicale");
  try {
    await writeFile(join(folder, "radicale"), "#!/bin/sh\n", { mode: 0o644 });
    expect(isMissing()).toBe(true);
    await chmod(join(folder, "radicale"), 0o755);
    expect(isMissing()).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
});
