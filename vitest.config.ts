import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^watchkeeper$/, replacement: at("./src/index.ts") },
      { find: /^watchkeeper\/testing$/, replacement: at("./src/testing/index.ts") },
    ],
  },
  test: {
    include: ["src/**/*.test.ts", "skills/**/*.test.ts", "tests/**/*.test.ts"],
    globalSetup: ["tests/ground/before-all-tests.ts"],
    // Most of them wait, for processes and disks, more than they compute.
    maxWorkers: 2,
    // What reaches these hangs. The outer one is longer, so that the inner one can say what it waited for.
    expect: { poll: { timeout: 120_000 } },
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
