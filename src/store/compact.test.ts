import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { copyForTrial } from "./compact.ts";
import { openTemporaryStore } from "./store-fixture.ts";

it("a trial leaves those alone whose process runs, be it somebody else's, and clears up after others", async () => {
  const { stateDir } = await openTemporaryStore();
  const ended = spawnSync(process.execPath, ["--version"]).pid;
  // The first process is root's, who may not be us.
  for (const pid of [1, ended]) mkdirSync(join(stateDir, `trial-${pid}`));
  const trials = () => readdirSync(stateDir).filter((name) => name.startsWith("trial-"));
  {
    using copy = copyForTrial(stateDir);
    expect(trials().sort()).toEqual(["trial-1", `trial-${process.pid}`].sort());
    expect(readdirSync(copy.stateDir)).toContain("watchkeeper.db");
  }
  expect(trials()).toEqual(["trial-1"]);
});
