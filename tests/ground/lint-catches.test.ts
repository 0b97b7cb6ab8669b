import { ESLint } from "eslint";
import { expect, test } from "vitest";
import { checkout } from "./miniature.ts";

// Linted under the path of a file that exists, because the type-aware rules ask the compiler about it.
const eslint = new ESLint({ cwd: checkout });
const prelude = `
  import { EventEmitter } from "node:events";
  export declare const work: () => Promise<number>;
  export declare const database: { transaction<T>(body: () => T): T };
  export const emitter = new EventEmitter();
`;

async function rulesBrokenBy(code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(`${prelude}\n${code}\n`, {
    filePath: "src/index.ts",
  });
  expect(result?.fatalErrorCount, result?.messages[0]?.message).toBe(0);
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

const floating = "@typescript-eslint/no-floating-promises";
const misused = "@typescript-eslint/no-misused-promises";

test.each([
  ["a promise that nobody waits for", `work();`, floating],
  ["a promise as a condition", `if (work()) throw new Error();`, misused],
  ["an async callback given to forEach", `[1].forEach(async () => { await work(); });`, misused],
  ["an async timer callback", `setTimeout(async () => { await work(); }, 1);`, misused],
  ["an async event listener", `emitter.on("x", async () => { await work(); });`, misused],
  ["awaiting what is no promise", `await 1;`, "@typescript-eslint/await-thenable"],
  [
    "returning a promise out of a try that should catch it",
    `export async function f() { try { return work(); } catch { return 0; } }`,
    "@typescript-eslint/return-await",
  ],
  [
    "an async transaction body",
    `database.transaction(async () => { await work(); });`,
    "watchkeeper/synchronous-transactions",
  ],
  [
    "a promise in a template string",
    "export const text = `got ${work()}`;",
    "@typescript-eslint/restrict-template-expressions",
  ],
  ["a chain of then without an end", `work().then((count) => count + 1);`, floating],
])("finds %s", async (_name, code, rule) => {
  expect(await rulesBrokenBy(code)).toContain(rule);
});

test.each([
  ["passed by name", `const body = async () => work(); await database.transaction(body);`],
  ["without the word async", `await database.transaction(() => work());`],
  ["on some ways only", `await database.transaction(() => (Math.random() > 2 ? 1 : work()));`],
])("finds an async transaction body %s", async (_name, code) => {
  expect(await rulesBrokenBy(code)).toEqual(["watchkeeper/synchronous-transactions"]);
});

test("leaves correct code alone", async () => {
  const code = `
    await work();
    void work().catch(() => 0);
    setTimeout(() => { void work().catch(() => 0); }, 1);
    export const count = database.transaction(() => 1);
    export async function f() { try { return await work(); } catch { return 0; } }
  `;
  expect(await rulesBrokenBy(code)).toEqual([]);
});
