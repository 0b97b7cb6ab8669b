import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import type { ResolvedConfig } from "../config/load.ts";
import { startDemoWorld } from "../demo/index.ts";

/** A config whose demo world stands, for as long as it is not disposed of. */
export interface Rehearsal extends AsyncDisposable {
  readonly config: ResolvedConfig;
}

/**
 * For commands that look and change nothing: sets the demo's small world up as a copy in a temporary
 * folder, and points the skills at it. A config without a demo stays as it is, as does one whose
 * daemon runs: there the world stands already.
 */
export async function rehearseDemo(
  config: ResolvedConfig,
  { running, warn }: { readonly running: boolean; readonly warn: (message: string) => void },
): Promise<Rehearsal> {
  const { demo, timezone } = config;
  if (!demo || running) return { config, async [Symbol.asyncDispose]() {} };
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-rehearsal-"));
  if (existsSync(demo.dir)) cpSync(demo.dir, dir, { recursive: true, preserveTimestamps: true });
  const world = await startDemoWorld({ ...demo, dir, now: Date.now(), timezone, warn });
  return {
    config: {
      ...config,
      skills: new Map([...config.skills].map(([name, own]) => [name, moved(own)])),
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };

  /** The same tree with every path into the world leading to its copy. */
  function moved(node: unknown): unknown {
    if (typeof node === "string") {
      const path = resolve(config.baseDir, node);
      return path.startsWith(`${demo?.dir}${sep}`)
        ? join(dir, relative(demo?.dir ?? "", path))
        : node;
    }
    if (Array.isArray(node)) return node.map(moved);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, moved(value)]));
  }
}
