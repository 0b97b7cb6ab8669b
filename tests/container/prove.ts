import { authorityProofs } from "./authority-proofs.ts";
import { confinementProofs } from "./confinement-proofs.ts";
import { fullVolumeProofs } from "./full-volume-proofs.ts";
import { imageProofs } from "./image-proofs.ts";
import { lifeProofs } from "./life-proofs.ts";
import { pageProofs } from "./page-proofs.ts";
import { podman, type Setting } from "./container.ts";
import { beginUpkeepProofs } from "./upkeep-proofs.ts";
import { createWorld, type World } from "./world.ts";

/**
 * Proves by real containers what docs/operations.md promises of the image; `run.sh` builds it and calls this
 * with the names of the image and its base, and a word that no layer may hold.
 */

/** What the proofs share. */
export interface Scene {
  readonly world: World;
  readonly setting: Setting;
  readonly base: string;
  readonly canary: string;
  /** Runs one proof and prints how it went; what it returns is said with it. */
  readonly prove: (what: string, proof: () => Promise<string | undefined>) => Promise<void>;
}

const [image = "", base = "", canary = ""] = process.argv.slice(2);
let failed = 0;

const prove: Scene["prove"] = async (what, proof) => {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
  try {
    const said = await proof();
    process.stdout.write(`PASS  ${what}${said === undefined ? "" : `: ${said}`}  ${seconds()}\n`);
  } catch (error) {
    failed += 1;
    const why = error instanceof Error ? error.message : String(error);
    process.stdout.write(
      `FAIL  ${what}  ${seconds()}\n      ${why.replaceAll("\n", "\n      ")}\n`,
    );
  }
};

await using world = await createWorld();
const volume = `watchkeeper-proof-${process.pid}`;
const setting: Setting = {
  image,
  volume,
  configDir: world.configDir,
  secretsDir: world.secretsDir,
  flags: ["--network", "host", "--env", `ANTHROPIC_BASE_URL=${world.modelUrl}`],
};
const scene: Scene = { world, setting, base, canary, prove };
try {
  await imageProofs(scene);
  const endUpkeepProofs = await beginUpkeepProofs(scene);
  try {
    await lifeProofs(scene);
    await confinementProofs(scene);
    await pageProofs(scene);
    await authorityProofs(scene);
    await fullVolumeProofs(scene);
  } finally {
    await endUpkeepProofs();
  }
} finally {
  await podman("volume", "rm", "--force", volume);
}
process.stdout.write(failed === 0 ? "all passed\n" : `${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
