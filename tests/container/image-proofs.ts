import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { podmanDoes, runOnce } from "./container.ts";
import type { Scene } from "./prove.ts";

interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
}
interface Image {
  readonly Config: ImageConfig;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

/** What the image is, before anything runs. */
export async function imageProofs({ setting, base, canary, prove }: Scene): Promise<void> {
  const { image } = setting;

  await prove("it takes at most 60 MB above its base", async () => {
    const bytes = async (name: string) =>
      Number(await podmanDoes("image", "inspect", "--format", "{{.Size}}", name));
    const above = (await bytes(image)) - (await bytes(base));
    assert.ok(above > 0 && above < 60e6, `${above} bytes`);
    return `${(above / 1e6).toFixed(1)} MB`;
  });

  await prove("it names its user, volume, health check and labels", async () => {
    const [found] = JSON.parse(await podmanDoes("image", "inspect", image)) as Image[];
    assert.ok(found);
    const { Config: config, Healthcheck: check } = found;
    assert.equal(config.User, "1000:1000");
    assert.deepEqual(Object.keys(config.Volumes), ["/var/lib/watchkeeper"]);
    assert.deepEqual(check?.Test, ["CMD", "node", "/opt/watchkeeper/healthy.js"]);
    assert.equal(config.Labels["org.opencontainers.image.licenses"], "MIT");
    assert.match(config.Labels["org.opencontainers.image.version"] ?? "", /^\d+\.\d+\.\d+$/);
    assert.match(config.Labels["org.opencontainers.image.revision"] ?? "", /^[0-9a-f]{40}$/);
    return undefined;
  });

  await prove("no layer holds a secret of the checkout", async () => {
    const layers = await layersOf(image);
    // The search can find: what certainly is in a layer.
    assert.ok(layers.includes("dist/skills/inbox/SKILL.md"), "the layers could not be read");
    assert.ok(!layers.includes(canary), "a planted secret is in a layer");
    return `${(layers.length / 1e6).toFixed(0)} MB searched`;
  });

  await prove(
    "it holds the bundle and better-sqlite3, no sources and nothing of the build",
    async () => {
      const { stdout } = await runOnce(
        { ...setting, flags: [...setting.flags, "--user", "0:0", "--entrypoint", "find"] },
        ...["/opt", "/root", "/build", "/out", "-type", "f"],
      );
      const files = stdout.trim().split("\n");
      const strange = files.filter(
        (file) =>
          !/^\/opt\/watchkeeper\/(bin|dist|migrations|node_modules\/better-sqlite3)\//.test(file) &&
          !/^\/opt\/watchkeeper\/(package\.json|healthy\.js|LICENSE|[A-Z]+\.md)$/.test(file) &&
          !/^\/root\/\.(bashrc|profile)$/.test(file),
      );
      assert.deepEqual(strange, []);
      assert.deepEqual(files.filter((file) => file.endsWith(".node")).length, 1);
      return `${files.length} files`;
    },
  );

  await prove(
    "a configuration that is not there ends it with exit code 2 and the mend",
    async () => {
      const { exitCode, stderr } = await runOnce({
        ...setting,
        flags: [...setting.flags, "--env", "WATCHKEEPER_CONFIG=/config/missing.config.ts"],
      });
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /^watchkeeper: \/config\/missing\.config\.ts is not there\. /);
      return undefined;
    },
  );
}

/** The image as one archive, its layers as they are, uncompressed. */
async function layersOf(image: string): Promise<Buffer> {
  const child = spawn("podman", ["save", "--format", "docker-archive", image], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
