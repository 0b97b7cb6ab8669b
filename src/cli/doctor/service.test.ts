import { expect, it } from "vitest";
import { readState } from "../service/systemctl.ts";
import { judgeUnit } from "./service.ts";

/** As `systemctl show` prints it. */
const shown = (changes: Record<string, string>) =>
  readState(
    Object.entries({
      LoadState: "loaded",
      ActiveState: "active",
      SubState: "running",
      UnitFileState: "enabled",
      Result: "success",
      ...changes,
    })
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );

const system = { scope: "system", lingers: false } as const;
const user = { scope: "user", lingers: true } as const;

it.each<[string, Record<string, string>, "ok" | "warn" | "fail", RegExp]>([
  ["runs and starts with the machine", {}, "ok", /^the unit is active \(running\) and enabled$/],
  ["is begun", { ActiveState: "activating", SubState: "start" }, "ok", /activating/],
  ["is stopped", { ActiveState: "inactive", SubState: "dead" }, "warn", /systemctl start watch/],
  ["is not enabled", { UnitFileState: "disabled" }, "warn", /systemctl enable watchkeeper$/],
  ["is masked", { LoadState: "masked" }, "warn", /systemctl unmask watchkeeper$/],
  ["has a mistake in it", { LoadState: "bad-setting" }, "fail", /systemctl status watchkeeper/],
  [
    "has failed",
    { ActiveState: "failed", SubState: "failed", Result: "exit-code" },
    "fail",
    /failed \(exit-code\); journalctl --unit watchkeeper says why$/,
  ],
  [
    "ends again and again",
    { ActiveState: "activating", SubState: "auto-restart" },
    "fail",
    /is started again; journalctl/,
  ],
])("a unit that %s", (_what, changes, level, words) => {
  const found = judgeUnit(shown(changes), system);
  expect(found).toEqual([{ name: "service", level, message: expect.stringMatching(words) }]);
});

it("both that it is stopped and that it is not enabled is said", () => {
  const stopped = { ActiveState: "inactive", SubState: "dead", UnitFileState: "disabled" };
  expect(judgeUnit(shown(stopped), system)).toHaveLength(2);
});

it("targets that a made-up user asks for in vain are said, with a user that lasts as the mend", () => {
  const asked = ["db"];
  expect(judgeUnit(shown({ DynamicUser: "yes" }), { ...system, asked })).toEqual([
    {
      name: "service",
      level: "warn",
      message: expect.stringMatching(
        /^db: to D-Bus the made-up user .* --state \/var\/lib\/watch$/,
      ),
    },
  ]);
  for (const [changes, names] of [
    [{ DynamicUser: "no" }, asked],
    [{ DynamicUser: "yes" }, []],
  ] as const) {
    const found = judgeUnit(shown(changes), { ...system, asked: names });
    expect(found).toMatchObject([{ level: "ok" }]);
  }
});

it("a user's unit needs the user to linger, and its mends are for that manager", () => {
  expect(judgeUnit(shown({}), user)).toMatchObject([{ level: "ok" }]);
  expect(judgeUnit(shown({}), { ...user, lingers: false })).toMatchObject([
    { level: "warn", message: expect.stringContaining("loginctl enable-linger") },
  ]);
  expect(judgeUnit(shown({ UnitFileState: "disabled" }), user)).toMatchObject([
    { message: expect.stringContaining("systemctl --user enable watchkeeper") },
  ]);
});

it("nothing is said where there is no such unit, or nothing was answered", () => {
  expect(judgeUnit(shown({ LoadState: "not-found", ActiveState: "inactive" }), system)).toEqual([]);
  expect(judgeUnit(readState(""), system)).toEqual([]);
});
