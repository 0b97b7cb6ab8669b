import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CommandContext } from "../context.ts";
import { planService } from "./plan.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-plan-"));
  await writeFile(join(folder, "agent.config.ts"), "export default {};");
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

function meant({ root = "/usr/lib/node_modules/watchkeeper", state = "" } = {}): CommandContext {
  const terminal = { isTTY: false, columns: 80, write() {} };
  const stateDir = state || join(folder, "state");
  return {
    packageInfo: { root, version: "1.0.0", migrationsDir: root, builtinSkillsDir: root },
    environment: { HOME: "/home/robin" },
    configFile: join(folder, "agent.config.ts"),
    ...{ stateDir, json: false, given: state ? { state } : {} },
    ...{ out: terminal, err: terminal, guard() {} },
  };
}

const serviceOf = (context: CommandContext) => {
  const { service } = planService("system", context).settings;
  if (service.kind !== "system") throw new Error("not of the machine");
  return service;
};

test("a package in a project brings those that lie beside it, and is warned of in a home folder", () => {
  const context = meant({ root: "/home/robin/app/node_modules/watchkeeper" });
  expect(serviceOf(context).homePaths).toContain("/home/robin/app/node_modules");
  expect(planService("system", context).warnings.join("\n")).toMatch(
    /watchkeeper lies in a home folder \(.*\): its owner decides what the service runs/,
  );
  expect(planService("system", meant()).warnings.join("\n")).not.toContain("watchkeeper lies in");
});

test("npx's copy is warned of", () => {
  const context = meant({ root: "/srv/npm/_npx/1a2b/node_modules/watchkeeper" });
  expect(planService("system", context).warnings.join("\n")).toContain("npx's copy");
});

test("what is seen already and would be left behind is said", async () => {
  await mkdir(join(folder, "state"));
  await writeFile(join(folder, "state", "watchkeeper.db"), "");
  expect(planService("system", meant()).warnings.join("\n")).toMatch(/which begins anew/);
  expect(planService("user", meant()).warnings).toEqual([]);
});

test("every file that is not there is a problem, and so is a temporary folder", () => {
  const { problems } = planService("system", meant({ root: "/none/watchkeeper" }));
  expect(problems).toContain("/none/watchkeeper/bin/watchkeeper.js is not there");
  expect(problems.join("\n")).toContain(`${folder} lies in a temporary folder`);
});

test("a configuration that others may not read is a problem with its mend", async () => {
  await chmod(folder, 0o755);
  await chmod(join(folder, "agent.config.ts"), 0o600);
  const file = join(folder, "agent.config.ts");
  expect(planService("system", meant()).problems).toContain(
    `the service's user may not read ${file}, because ${file} has mode 600; \`chmod o+rX\` it, or install with --user`,
  );
});

test("a state directory that is named must be there", () => {
  const { problems } = planService("system", meant({ state: join(folder, "none") }));
  expect(problems.join("\n")).toMatch(
    /there is no .*none; make it for the user.*install -d -m 700/,
  );
});

test.skipIf(process.getuid?.() !== 0)("and must not be root's", async () => {
  await mkdir(join(folder, "state"));
  const { problems } = planService("system", meant({ state: join(folder, "state") }));
  expect(problems.join("\n")).toContain("belongs to root, whose rights a service has no need of");
});
