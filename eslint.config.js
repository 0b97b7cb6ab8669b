import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { boundaries } from "./eslint/boundaries.js";
import { synchronousTransactions } from "./eslint/synchronous-transactions.js";

const root = import.meta.dirname;
const tests = ["**/*.test.ts", "tests/**", "bench/**", "src/testing/**"];
const edges = ["src/config/**", "src/daemon.ts", "src/daemon/**", "src/cli/**"];
const developerScripts = ["bin/**", "deploy/**", "scripts/**", "eslint/**", "*.config.*"];

const outsideWorld = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: "The environment is read in config/, the daemon and the CLI only: pass the value in.",
  },
  {
    selector: "VariableDeclarator[init.name='process'] Property[key.name='env']",
    message: "The environment is read in config/, the daemon and the CLI only: pass the value in.",
  },
];
const outsideModules = [
  {
    name: "node:child_process",
    message: "Processes are started from config/, the daemon and the CLI only: pass a function in.",
  },
  { name: "child_process", message: "Write node:child_process; and see where it is allowed." },
  {
    name: "node:process",
    importNames: ["env"],
    message: "The environment is read in config/, the daemon and the CLI only.",
  },
];

export default defineConfig(
  {
    ignores: [
      "dist/**",
      "dist.*/**",
      "state/**",
      "deploy/config/**",
      "node_modules/**",
      "coverage/**",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.{ts,js}"],
    extends: [eslint.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    plugins: {
      watchkeeper: {
        rules: { boundaries, "synchronous-transactions": synchronousTransactions },
      },
    },
    rules: {
      "watchkeeper/boundaries": ["error", { root }],
      "watchkeeper/synchronous-transactions": "error",

      // A promise nobody waits for is the daemon's worst bug: the beat ends, the work does not.
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/prefer-promise-reject-errors": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Ports are async by contract, also where SQLite answers at once; a throw becomes a rejection.
      "@typescript-eslint/require-await": "off",

      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-deprecated": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", ignoreRestSiblings: true, ignoreUsingDeclarations: true },
      ],
      eqeqeq: ["error", "always"],
      "no-console": "error",
      "no-restricted-imports": ["error", { paths: outsideModules }],
      "no-restricted-syntax": ["error", ...outsideWorld],
    },
  },
  {
    files: [...edges, ...tests, ...developerScripts],
    rules: { "no-restricted-imports": "off", "no-restricted-syntax": "off" },
  },
  {
    // The processes that a skill starts, MCP servers and a channel: the owner's commands, without a shell.
    files: [
      "skills/services/run-command.ts",
      "src/mcp/stdio-transport.ts",
      "src/notify/command.ts",
    ],
    rules: {
      "no-restricted-imports": [
        "error",
        { paths: outsideModules.filter(({ name }) => name !== "node:child_process") },
      ],
    },
  },
  { files: ["src/cli/**", "bench/**", "scripts/**"], rules: { "no-console": "off" } },
  {
    // The runner's matchers are untyped, and a test knows what it planted.
    files: ["**/*.test.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    // Node's and ESLint's untyped edges: checked by the compiler, not by the any-rules.
    files: ["**/*.js"],
    rules: {
      "no-undef": "off",
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  { files: ["bin/**"], rules: { "no-var": "off", "prefer-template": "off" } },
);
