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
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
