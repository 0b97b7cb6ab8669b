import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { until } from "../daemon/daemon-process.ts";
import { startContainer, type Container } from "./container.ts";
import type { Scene } from "./prove.ts";

/** What the process may not do, and what it has all the same. */
export async function confinementProofs({ setting, prove }: Scene): Promise<void> {
  const inside = async (container: Container, code: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await container.exec("node", "--eval", code);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const zombies = async (container: Container): Promise<number> => {
    const code = `
      const fs = require("node:fs");
      const states = fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name))
        .map((pid) => fs.readFileSync("/proc/" + pid + "/stat", "utf8"));
      console.log(states.filter((stat) => / Z /.test(stat)).length);`;
    return Number(await inside(container, code));
  };
  const beaten = async (container: Container) => {
    const since = new Date().toISOString();
    await until("three more beats", async () => {
      const beats = await container.ask<{ startedAt: string }[]>("beats");
      return beats.filter(({ startedAt }) => startedAt > since).length >= 3;
    });
  };
  await using container = await startContainer({
    ...setting,
    flags: [...setting.flags, "--env", "TZ=Australia/Adelaide"],
  });
  await until("a beat", () => container.isHealthy());

  await prove("the daemon is not root, has no capability and cannot get one", async () => {
    const code = `
      const fs = require("node:fs");
      const pid = fs.readdirSync("/proc").find((name) => /^\\d+$/.test(name) &&
        fs.readFileSync("/proc/" + name + "/cmdline", "utf8").includes("watchkeeper\\0start"));
      console.log(fs.readFileSync("/proc/" + pid + "/status", "utf8"));`;
    const status = await inside(container, code);
    assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
    assert.match(status, /^Gid:\t1000\t1000\t1000\t1000$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      assert.match(status, new RegExp(`^${set}:\\t0{16}$`, "m"));
    }
    assert.match(status, /^NoNewPrivs:\t1$/m);
    return `seccomp ${/^Seccomp:\t(\d)/m.exec(status)?.[1] ?? "unknown"}`;
  });

  await prove("nothing can be written but the state and /tmp", async () => {
    const places = ["/", "/opt/watchkeeper/bin", "/etc", "/config", "/home/node", "/run/secrets"];
    const code = `
      const fs = require("node:fs");
      const attempt = (dir) => {
        try { fs.writeFileSync(dir + "/written", ""); fs.rmSync(dir + "/written"); return "written"; }
        catch (error) { return error.code; }
      };
      console.log(JSON.stringify(${JSON.stringify([...places, "/var/lib/watchkeeper", "/tmp"])}.map(attempt)));`;
    const outcomes = JSON.parse(await inside(container, code)) as string[];
    assert.deepEqual(outcomes, [...places.map(() => "EROFS"), "written", "written"]);
    return undefined;
  });

  await prove("the time zone of TZ holds, and all zones are known", async () => {
    const code = `
      const at = (timeZone) => new Date("2026-07-01T00:00:00Z").toLocaleString("en-GB", { timeZone });
      console.log(Intl.DateTimeFormat().resolvedOptions().timeZone, "|", at(), "|", at("America/Caracas"));`;
    const said = await inside(container, code);
    assert.equal(said, "Australia/Adelaide | 01/07/2026, 09:30:00 | 30/06/2026, 20:00:00");
    return undefined;
  });

  await prove("certificate authorities are there", async () => {
    const count = Number(
      await inside(container, `console.log(require("node:tls").rootCertificates.length)`),
    );
    assert.ok(count > 100, `${count}`);
    return `${count} of Node's own`;
  });

  await prove("what commands leave behind is reaped", async () => {
    await beaten(container);
    assert.equal(await zombies(container), 0);
    return undefined;
  });

  await prove("a daemon that hangs is unhealthy, and healthy again when it goes on", async () => {
    const pid = await daemonPid(container);
    process.kill(pid, "SIGSTOP");
    try {
      assert.equal(await container.isHealthy(), false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until("it is healthy", () => container.isHealthy());
    return undefined;
  });

  await prove("without an init too, SIGTERM reaches the daemon, which exits with 0", async () => {
    assert.equal(await container.stop(), 0);
    await using bare = await startContainer({
      ...setting,
      flags: [...setting.flags, "--init=false"],
    });
    await until("a beat", () => bare.isHealthy());
    await beaten(bare);
    // What the init is for: here they are seen.
    const left = await zombies(bare);
    assert.ok(left > 0, "no command left a process behind");
    const askedAt = performance.now();
    assert.equal(await bare.stop(), 0);
    return `after ${((performance.now() - askedAt) / 1_000).toFixed(1)} s; ${left} zombies by then`;
  });
}

/** The daemon's process as the host sees it: the child of the container's init. */
async function daemonPid(container: Container): Promise<number> {
  const init = await container.pid();
  const children = await readFile(`/proc/${init}/task/${init}/children`, "utf8");
  return Number(children.trim().split(" ")[0]);
}
