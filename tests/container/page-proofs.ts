import assert from "node:assert/strict";
import { until } from "../daemon/daemon-process.ts";
import { podman, runOnce, startContainer, type Setting } from "./container.ts";
import type { Scene } from "./prove.ts";

/** The page from outside, through a published port: only with a token. */
export async function pageProofs({ world, setting, prove }: Scene): Promise<void> {
  const published: Setting = {
    ...setting,
    volume: `${setting.volume}-page`,
    flags: [
      ...["--publish", `127.0.0.1:${world.port}:${world.port}`],
      ...["--env", "WEB_HOST=0.0.0.0"],
    ],
  };
  try {
    await prove("reachable from outside and without a token it does not start", async () => {
      const { exitCode, stderr } = await runOnce(published);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /there is no token/);
      return undefined;
    });

    await prove(
      "with one, the page is reached through the published port, by the owner alone",
      async () => {
        const made = await runOnce(published, "web", "token");
        const token = made.stdout.trim();
        assert.match(token, /^[\w-]{40,}$/, made.stderr);
        await using container = await startContainer(published);
        await until("a beat", () => container.isHealthy());
        const page = `http://127.0.0.1:${world.port}`;
        const ask = async (path: string, headers = {}) =>
          (await fetch(page + path, { headers })).status;
        assert.equal(await ask("/readyz"), 200);
        assert.equal(await ask("/api/status"), 401);
        assert.equal(await ask("/metrics"), 401);
        assert.equal(await ask("/api/status", { Authorization: `Bearer ${token}` }), 200);
        return undefined;
      },
    );
  } finally {
    await podman("volume", "rm", "--force", published.volume);
  }
}
