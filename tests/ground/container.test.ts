import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, matchesGlob, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { packageInfo } from "../../src/config/package.ts";
import { openStore } from "../../src/store/index.ts";
import { startHttpReceiver } from "../servers/http-receiver.ts";
import { checkout, runProcess } from "./miniature.ts";

// What the image is made of, as far as it can be seen without a container engine; tests/container/run.sh
// builds and runs it.

const text = async (path: string) => readFile(join(checkout, path), "utf8");
const dockerfile = (await text("Dockerfile")).replaceAll(/\\\n\s*/g, "");
const instructions = dockerfile
  .split("\n")
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => ({
    name: line.slice(0, line.indexOf(" ")),
    words: line.slice(line.indexOf(" ") + 1),
  }));
const last = (name: string) => instructions.findLast((each) => each.name === name)?.words;

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}
interface ComposeService {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly volumes: readonly string[];
}
const compose = parse(await text("deploy/compose.yaml")) as Compose;

describe("the build context", () => {
  test.for([".env", "skills/inbox/.env", "state/watchkeeper.db", "deploy/secrets/IMAP_PASSWORD"])(
    "leaves out %s",
    async (path) => {
      expect(isInContext(await ignoreRules(), path)).toBe(false);
    },
  );

  test.for(["package-lock.json", "deploy/healthy.js"])("holds %s", async (path) => {
    expect(isInContext(await ignoreRules(), path)).toBe(true);
  });

  test("is enough to make the package, all skills with it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "watchkeeper-context-"));
    try {
      const rules = await ignoreRules();
      await cp(checkout, folder, {
        recursive: true,
        filter: (path) => {
          const inside = relative(checkout, path);
          return inside === "" || isInContext(rules, inside);
        },
      });
      await symlink(join(checkout, "node_modules"), join(folder, "node_modules"));
      const packed = await runProcess("npm", ["pack", "--json", "--dry-run"], process.env, folder);
      expect(packed, packed.stderr).toMatchObject({ exitCode: 0 });
      const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
      expect(files.map(({ path }) => path)).toEqual(
        expect.arrayContaining([
          "bin/watchkeeper.js",
          "dist/cli.js",
          "dist/THIRD-PARTY-NOTICES.txt",
          "migrations/meta/_journal.json",
          ...["services", "inbox", "calendar"].flatMap((name) => [
            `dist/skills/${name}/index.js`,
            `dist/skills/${name}/SKILL.md`,
          ]),
        ]),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("the image", () => {
  test("starts as no root, by number, and without a shell between the signals and the daemon", () => {
    expect(last("USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(JSON.parse(last("ENTRYPOINT") ?? "")).toEqual(["watchkeeper"]);
    expect(JSON.parse(last("CMD") ?? "")).toEqual(["start"]);
  });

  test("keeps its state where compose puts the volume, and looks for the configuration where that is mounted", () => {
    const [{ volumes }] = Object.values(compose.services) as [ComposeService];
    const mounts = new Map(
      volumes.map((volume) => {
        const [, path, mode = "rw"] = volume.split(":");
        return [path, mode];
      }),
    );
    const variable = (name: string) =>
      new RegExp(`${name}=(\\S+)`).exec(last("ENV") ?? "")?.[1] ?? "";
    const state = variable("WATCHKEEPER_STATE");
    expect(last("VOLUME")).toBe(state);
    expect(mounts.get(state)).toBe("rw");
    expect(mounts.get(dirname(variable("WATCHKEEPER_CONFIG")))).toBe("ro");
  });

  test("is given each secret of compose as the file that NAME_FILE names", () => {
    const [{ environment, secrets }] = Object.values(compose.services) as [ComposeService];
    expect(Object.keys(compose.secrets)).toEqual(secrets);
    for (const name of secrets) {
      expect(environment[`${name}_FILE`]).toBe(`/run/secrets/${name}`);
      expect(environment).not.toHaveProperty(name);
    }
  });
});

describe("the health check", () => {
  let stateDir: string;
  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "watchkeeper-health-"));
  });
  afterAll(async () => rm(stateDir, { recursive: true, force: true }));

  const health = async (dir = stateDir) =>
    runProcess(process.execPath, [join(checkout, "deploy/healthy.js")], {
      PATH: process.env.PATH,
      WATCHKEEPER_STATE: dir,
    });

  test("asks where the daemon says that it listens, and says what it hears", async () => {
    await using receiver = await startHttpReceiver(({ path }) =>
      path === "/readyz" ? { status: 200, body: "ok" } : { status: 404 },
    );
    await using store = openStore({ stateDir, migrationsDir: packageInfo().migrationsDir });
    await store.recordStart({ pid: 1, version: "1.0.0", at: 1, heartbeatMs: 1_000 });
    expect(await health()).toMatchObject({
      exitCode: 1,
      stdout: "the daemon has not started yet, or has stopped\n",
    });
    await store.recordWeb({ url: receiver.origin });
    expect(await health()).toMatchObject({ exitCode: 0, stdout: "ok\n" });
    const why = "no beat has completed for 9 minutes";
    receiver.behave({ status: 503, body: why });
    expect(await health()).toMatchObject({ exitCode: 1, stdout: `${why}\n` });
    receiver.behave("cut");
    expect(await health()).toMatchObject({ exitCode: 1 });

    await store.recordWeb({ off: "web is switched off in the configuration" });
    expect(await health()).toMatchObject({
      exitCode: 0,
      stdout: "not asked: web is switched off in the configuration\n",
    });
    await store.recordStop(2);
    expect(await health()).toMatchObject({ exitCode: 1 });
  });

  test("says in a line that there is no state yet", async () => {
    const { exitCode, stdout, stderr } = await health(join(stateDir, "missing"));
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    expect(stdout).toMatch(/^[^\n]+\n$/);
  });
});

type IgnoreRule = { readonly pattern: string; readonly lets: boolean };

const ignoreRules = async (): Promise<IgnoreRule[]> =>
  (await text(".dockerignore"))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({
      pattern: line.replace(/^!/, "").replace(/\/$/, ""),
      lets: line.startsWith("!"),
    }));

/** As container engines read it: the last rule that fits a path, or a folder above it, decides. */
function isInContext(rules: readonly IgnoreRule[], path: string): boolean {
  const parts = path.split("/");
  const above = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  const rule = rules.findLast(({ pattern }) => above.some((each) => matchesGlob(each, pattern)));
  return rule?.lets ?? true;
}
