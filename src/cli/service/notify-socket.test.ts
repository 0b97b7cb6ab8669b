import { describe, expect, it, test } from "vitest";
import {
  startServiceManagerSocket,
  systemdToolsAvailable,
} from "../../../tests/servers/systemd.ts";
import { takeNotifySocket } from "./notify-socket.ts";

const path = process.env.PATH;

it("is not there when no service manager has started us", () => {
  expect(takeNotifySocket({ PATH: path, WATCHDOG_USEC: "1000000" }, 1)).toBeUndefined();
});

it("is taken out of the environment, so that no process of ours inherits it", () => {
  const environment = {
    ...{ PATH: path, HOME: "/", CREDENTIALS_DIRECTORY: "/run/credentials" },
    ...{ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "1", WATCHDOG_PID: "1" },
  };
  takeNotifySocket(environment, 1);
  expect(environment).toEqual({ PATH: path, HOME: "/", CREDENTIALS_DIRECTORY: "/run/credentials" });
});

test.each([
  ["the time it was given", "120000000", undefined, 120_000],
  ["the time it was given, for this process", "120000000", "42", 120_000],
  ["nothing, when another process is watched", "120000000", "41", null],
  ["nothing, without a time", undefined, "42", null],
  ["nothing, when the time is none", "soon", undefined, null],
  ["nothing, when the time is zero", "0", undefined, null],
])("the watchdog waits for %s", (_, WATCHDOG_USEC, WATCHDOG_PID, watchdogMs) => {
  const environment = { NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC, WATCHDOG_PID };
  expect(takeNotifySocket(environment, 42)?.watchdogMs).toBe(watchdogMs);
});

describe.skipIf(!systemdToolsAvailable())("with systemd's own systemd-notify", () => {
  test("what is said arrives, in one word", async () => {
    await using manager = await startServiceManagerSocket();
    const socket = takeNotifySocket({ PATH: path, NOTIFY_SOCKET: manager.path }, 1);
    await socket?.send({ READY: "1", STATUS: "last beat 08:00 (UTC), failing checks: 1" });
    expect(await manager.next()).toBe("READY=1\nSTATUS=last beat 08:00 (UTC), failing checks: 1");
  });

  test("a socket that nobody listens on is an error that says so", async () => {
    const socket = takeNotifySocket({ PATH: path, NOTIFY_SOCKET: "/run/none/notify" }, 1);
    await expect(socket?.send({ READY: "1" })).rejects.toThrow(/No such file or directory/);
  });
});

it("is an error without systemd-notify", async () => {
  const socket = takeNotifySocket({ PATH: "/none", NOTIFY_SOCKET: "/run/none/notify" }, 1);
  await expect(socket?.send({ READY: "1" })).rejects.toThrow(/ENOENT/);
});
