import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { aLongTime } from "../cli/place.ts";
import { startServiceManagerSocket, systemdToolsAvailable } from "../servers/systemd.ts";
import { look, startDaemon, until, writeFiles } from "./daemon-process.ts";
import { temporaryFolder } from "./harness.ts";

/** The daemon as a service manager starts it; what systemd then does is proven in tests/systemd. */

const files = {
  "agent.config.ts": `
    import { defineConfig } from "watchkeeper";
    export default defineConfig({
      timezone: "UTC",
      web: false,
      heartbeat: { every: "${aLongTime}" },
      skills: { "./buoy": {} },
    });
  `,
  "buoy/SKILL.md": "---\nname: buoy\ndescription: Says what its processes inherit.\n---\n",
  "buoy/index.ts": `
    import { execFileSync } from "node:child_process";
    import { defineSkill } from "watchkeeper";
    export default defineSkill({
      checks: () => ({
        light: {
          async observe() {
            const inherited = execFileSync("env", { encoding: "utf8" });
            const title = /^(?:NOTIFY_SOCKET|WATCHDOG_\\w+)=/m.test(inherited) ? "a socket" : "no socket";
            return { observations: [{ key: "inherited", title, severity: "info", trust: "trusted" }] };
          },
        },
      }),
    });
  `,
};

describe.skipIf(!systemdToolsAvailable())("a service manager", () => {
  test("is told of the first beat once it is complete, and of the stop; no process inherits its socket", async () => {
    await using folder = await temporaryFolder();
    await using manager = await startServiceManagerSocket();
    await writeFiles(folder.path, files);
    const stateDir = join(folder.path, "state");
    const environment = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "120000000" };
    await using daemon = startDaemon({ folder: folder.path, stateDir, environment });

    expect(await manager.next()).toMatch(
      /^READY=1\nWATCHDOG=1\nSTATUS=last beat \d\d:\d\d \(UTC\), no check fails$/,
    );
    const [beat] = (await look(stateDir, (store) => store.listBeats({ limit: 1 }))) ?? [];
    expect(beat).toMatchObject({ outcome: "found", finishedAt: expect.any(Number) });
    const findings = await look(stateDir, (store) => store.listFindings({ all: true, limit: 9 }));
    expect(findings).toMatchObject([{ title: "no socket" }]);

    daemon.signal("SIGTERM");
    expect(await manager.next()).toBe("STOPPING=1\nSTATUS=stopping");
    expect(await daemon.exitCode).toBe(0);

    // Its only check is due in an hour: what follows a start is a beat all the same.
    await using again = startDaemon({ folder: folder.path, stateDir, environment });
    expect(await manager.next()).toMatch(/^READY=1\nWATCHDOG=1\nSTATUS=last beat \d\d:\d\d/);
    const beats = (await look(stateDir, (store) => store.listBeats({ limit: 9 }))) ?? [];
    expect(beats.map(({ outcome, finishedAt }) => [outcome, finishedAt !== null])).toEqual([
      ["quiet", true],
      ["found", true],
    ]);
    again.signal("SIGTERM");
    expect(await again.exitCode).toBe(0);
  });

  test("that is not there any more is said once, and the watch goes on", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, files);
    const stateDir = join(folder.path, "state");
    const environment = { NOTIFY_SOCKET: join(folder.path, "none"), WATCHDOG_USEC: "4000000" };
    await using daemon = startDaemon({ folder: folder.path, stateDir, environment });
    await until("it says so", async () => /cannot be told/.test(daemon.stderr), daemon);
    daemon.signal("SIGTERM");
    expect(await daemon.exitCode).toBe(0);
    expect(daemon.stderr.match(/cannot be told/g)).toHaveLength(1);
  });
});
