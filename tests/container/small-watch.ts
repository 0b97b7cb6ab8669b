import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podman, runOnce, type Setting } from "./container.ts";

/** A watch over one address, with a configuration and a volume of its own, beside the world that the others share. */
export interface SmallWatch extends AsyncDisposable {
  readonly setting: Setting;
  /** Of the configuration, which the container sees as `/config`. */
  readonly configDir: string;
  /** What Node prints in a container of its own on the volume, where no daemon may run meanwhile. */
  node(code: string): Promise<string>;
}

export interface SmallWatchOptions {
  readonly setting: Setting;
  readonly name: string;
  /** A folder for the state, in the place of a volume. */
  readonly stateDir?: string;
  /** What is watched. */
  readonly url: string;
  /** Where the owner is told; the terminal when it is left out. */
  readonly tellTo?: string;
  readonly timezone?: string;
}

export async function openSmallWatch({
  setting: { image, volume, secretsDir },
  name,
  stateDir,
  url,
  tellTo,
  timezone = "UTC",
}: SmallWatchOptions): Promise<SmallWatch> {
  const folder = await mkdtemp(join(tmpdir(), `watchkeeper-${name}-`));
  const configDir = join(folder, "config");
  await mkdir(configDir);
  const channels =
    tellTo === undefined ? "" : `webhook: { url: "${tellTo}", secret: secret("WEBHOOK_SECRET") }`;
  await writeFile(
    join(configDir, "agent.config.ts"),
    `import { defineConfig, secret } from "watchkeeper";

export default defineConfig({
  timezone: "${timezone}",
  heartbeat: { every: "1s", slack: "1s" },
  model: { chain: [] },
  skills: {
    services: { every: "1s", failureThreshold: 1, successThreshold: 1, targets: [{ name: "shop", http: "${url}" }] },
  },
  notify: { channels: { ${channels} }, interruptionsPerDay: 1000 },
  web: { port: 0 },
});
`,
  );
  const setting: Setting = {
    ...{ image, secretsDir, configDir, volume: stateDir ?? `${volume}-${name}` },
    flags: ["--network", "host"],
  };
  return {
    setting,
    configDir,
    async node(code) {
      const entrypoint = [...setting.flags, "--entrypoint", "node"];
      const { exitCode, stdout, stderr } = await runOnce(
        { ...setting, flags: entrypoint },
        ...["--eval", code],
      );
      if (exitCode !== 0) throw new Error(stderr);
      return stdout.trim();
    },
    async [Symbol.asyncDispose]() {
      if (stateDir === undefined) await podman("volume", "rm", "--force", setting.volume);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
