import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const project = (name: string, include: string[], isolate: boolean): TestProjectConfiguration => ({
  resolve: {
    alias: [
      { find: /^watchkeeper$/, replacement: at("./src/index.ts") },
      { find: /^watchkeeper\/testing$/, replacement: at("./src/testing/index.ts") },
    ],
  },
  test: {
    ...{ name, include, isolate },
    // What reaches these hangs. The outer ones are longer, so that the inner one can say what it waited for.
    expect: { poll: { timeout: 120_000 } },
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});

export default defineConfig({
  test: {
    projects: [
      project("whole", ["tests/**/*.test.ts"], true),
      // No module of ours keeps anything that changes: files share a process, and load it all once.
      project("unit", ["src/**/*.test.ts", "skills/**/*.test.ts"], false),
    ],
    globalSetup: ["tests/ground/before-all-tests.ts"],
    // A third one on two cores makes each test slower and the whole no faster.
    maxWorkers: 2,
  },
});
