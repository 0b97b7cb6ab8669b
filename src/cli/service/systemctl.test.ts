import { expect, test } from "vitest";
import { readState } from "./systemctl.ts";

test("what `systemctl show` prints becomes the state of a unit", () => {
  const text = [
    "MainPID=121",
    "NRestarts=2",
    "Result=success",
    "LoadState=loaded",
    "ActiveState=active",
    "SubState=running",
    "StatusText=last beat 08:00 (UTC), a=b",
    "UnitFileState=enabled",
    "DynamicUser=yes",
    "",
  ].join("\n");
  expect(readState(text)).toEqual({
    ...{ load: "loaded", active: "active", sub: "running", result: "success", enabled: "enabled" },
    ...{ pid: 121, restarts: 2, text: "last beat 08:00 (UTC), a=b", madeUpUser: true },
  });
});

test("a unit that is not there has no process", () => {
  const text =
    "MainPID=0\nNRestarts=0\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n";
  expect(readState(text)).toMatchObject({ load: "not-found", pid: null, restarts: 0, enabled: "" });
});
