import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { checkout, runProcess, type Outcome } from "./miniature.ts";

// What a user gets: the packed tarball, installed into an empty folder by npm, run from there.
const requireServers = process.env.WATCHKEEPER_REQUIRE_SERVERS === "1";
const unreachable = /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/;

let folder: string;
let installed: Outcome;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-pack-"));
  environment = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), NO_COLOR: "1" };
  // What npm hands to the scripts it runs is about this checkout, not about the user's folder.
  for (const name of Object.keys(environment)) {
    if (/^npm_|^WATCHKEEPER|^ANTHROPIC/i.test(name)) delete environment[name];
  }
  const packed = await npm(["pack", "--pack-destination", folder], checkout);
  expect(packed, packed.stderr).toMatchObject({ exitCode: 0 });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "no tarball";
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  installed = await npm(["install", "--prefer-offline", `./${tarball}`], folder);
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

beforeEach((context) => {
  const offline = installed.exitCode !== 0 && unreachable.test(installed.stderr);
  if (offline && !requireServers) context.skip("the npm registry cannot be reached");
  expect(installed, installed.stderr).toMatchObject({ exitCode: 0 });
});

const npm = async (argv: string[], cwd: string) => runProcess("npm", argv, environment, cwd);

const bin = () => join(folder, "node_modules/.bin/watchkeeper");

const watchkeeper = async (...argv: string[]) =>
  runProcess(process.execPath, [bin(), ...argv], environment, folder);

test("the package holds JavaScript only, the built-in skills with it, and takes at most 60 MB installed", async () => {
  const own = await readdir(join(folder, "node_modules/watchkeeper"), { recursive: true });
  expect(own.filter((name) => /\.[cm]?tsx?$/.test(name) && !name.endsWith(".d.ts"))).toEqual([]);
  expect(own.filter((name) => name.includes(".test."))).toEqual([]);
  expect(own).not.toContain("dist/build.json");
  expect(own).toEqual(
    expect.arrayContaining([
      "LICENSE",
      "README.md",
      "CHANGELOG.md",
      "dist/THIRD-PARTY-NOTICES.txt",
      "dist/types/index.d.ts",
      "dist/types/testing/index.d.ts",
      "migrations/meta/_journal.json",
      ...["services", "inbox", "calendar"].flatMap((name) => [
        `dist/skills/${name}/index.js`,
        `dist/skills/${name}/SKILL.md`,
      ]),
    ]),
  );
  expect((await diskUsage(join(folder, "node_modules"))) / 1e6).toBeLessThan(60);
});

test("it says its version", async () => {
  const version = await watchkeeper("--version");
  expect(version).toMatchObject({ exitCode: 0, stderr: "" });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a user's own TypeScript config is loaded, and a beat finds something with each built-in skill", async () => {
  await using service = await brokenService();
  await writeFile(join(folder, "agent.config.ts"), userConfig(service.port));
  await writeWorld();

  const beat = await watchkeeper("beat", "--json");
  expect(beat, beat.stderr).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(beat.stdout)).toMatchObject({ outcome: "found", trigger: "manual" });

  const findings = await watchkeeper("findings", "--json");
  const found = JSON.parse(findings.stdout) as { skill: string }[];
  expect(new Set(found.map(({ skill }) => skill))).toEqual(
    new Set(["services", "inbox", "calendar"]),
  );
});

test("the types of the public API hold for that config", async () => {
  await writeFile(join(folder, "agent.config.ts"), userConfig(1));
  await writeFile(
    join(folder, "conversation.ts"),
    `import type { RecordedRequest } from "watchkeeper/testing";
export const orders = ({ body }: RecordedRequest): string => {
  const [first] = body.messages;
  // @ts-expect-error: known to be text or blocks
  first?.content.toFixed();
  return typeof first?.content === "string" ? first.content : "";
};
`,
  );
  const compile = async (...files: string[]) =>
    runProcess(
      process.execPath,
      [
        join(checkout, "node_modules/typescript-7/bin/tsc"),
        ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"],
        ...["--lib", "es2024,dom,esnext.disposable", "--ignoreConfig", ...files],
      ],
      environment,
      folder,
    );
  expect(await compile("agent.config.ts", "conversation.ts")).toMatchObject({
    exitCode: 0,
    stdout: "",
  });
  await writeFile(
    join(folder, "wrong.ts"),
    'import { defineSkill } from "watchkeeper";\nexport default defineSkill({ checks: 1 });\n',
  );
  expect((await compile("wrong.ts")).stdout).toContain("wrong.ts(2,");
});

test("it writes a skill that works there, with a test that passes", async () => {
  const made = await watchkeeper("skills", "new", "disk-space");
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
  expect(made.stdout).toContain("\n  2. watchkeeper skills test disk-space\n");
  const tried = await watchkeeper("skills", "test", "disk-space", "--json");
  expect(tried, tried.stderr + tried.stdout).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(tried.stdout)).toMatchObject({ ok: true, tests: { passed: 3, failed: 0 } });
});

test("the demo keeps watch without any file of its own and ends at a signal", async () => {
  const child = spawn(process.execPath, [bin(), "demo", "--dir", join(folder, "demo")], {
    env: environment,
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const foundMail = new Promise<void>((resolve) => {
    const look = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Mail from")) resolve();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
  });
  const closed = once(child, "close");
  try {
    await Promise.race([foundMail, closed]);
    expect(output).toContain("Mail from");
  } finally {
    child.kill("SIGTERM");
  }
  expect(await closed, output).toEqual([0, null]);
});

async function brokenService(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((_request, response) => response.writeHead(500).end("broken"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function writeWorld(): Promise<void> {
  for (const part of ["new", "cur", "tmp"]) {
    await mkdir(join(folder, "mail", part), { recursive: true });
  }
  const mail = [
    "From: Ada <ada@example.com>",
    "To: me@example.com",
    "Subject: Lunch?",
    `Date: ${new Date().toUTCString()}`,
    "Message-ID: <lunch@example.com>",
  ];
  await writeFile(join(folder, "mail/new/1.example"), `${mail.join("\r\n")}\r\n\r\nAt noon?\r\n`);
  const inMinutes = (minutes: number) =>
    new Date(Date.now() + minutes * 60_000).toISOString().replace(/[-:]|\.\d+/g, "");
  const calendar = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//watchkeeper//test//EN",
    "BEGIN:VEVENT",
    "UID:review@example.com",
    `DTSTAMP:${inMinutes(0)}`,
    `DTSTART:${inMinutes(10)}`,
    `DTEND:${inMinutes(40)}`,
    "SUMMARY:Review",
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  await writeFile(join(folder, "calendar.ics"), `${calendar.join("\r\n")}\r\n`);
}

function userConfig(port: number): string {
  return `import { defineConfig } from "watchkeeper";

export default defineConfig({
  skills: {
    services: {
      failureThreshold: 1,
      targets: [{ name: "shop", http: "http://127.0.0.1:${port}/", expect: { status: 200 } }],
    },
    inbox: {
      accounts: [{ name: "mine", address: "me@example.com", maildir: "./mail", firstSight: "2d" }],
    },
    calendar: { remindBefore: "30m", sources: [{ name: "mine", ics: "./calendar.ics" }] },
  },
});
`;
}

/** Bytes that the files under a folder take on disk. */
async function diskUsage(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).blocks * 512),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
