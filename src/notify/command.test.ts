import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { message, never, openChannel } from "./channel-fixture.ts";
import type { Message } from "./message.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function place() {
  const dir = mkdtempSync(join(tmpdir(), "watchkeeper-command-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  const path = (name: string) => join(dir, name);
  return {
    dir,
    path,
    read: (name: string) => readFileSync(path(name), "utf8"),
    open: (run: string[], more: { env?: Record<string, string>; timeout?: string } = {}) =>
      openChannel("command", { run, ...more }, { baseDir: dir }),
  };
}

const error = (sending: Promise<void>) =>
  sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

it("hands the message over as JSON, and the most of it in variables; nothing else is known to it", async () => {
  const { open, read } = place();
  process.env.WATCHKEEPER_TEST_CANARY = "not for you";
  cleanups.push(() => delete process.env.WATCHKEEPER_TEST_CANARY);
  const { channel } = open(["sh", "-c", "cat > input; env > variables"], { env: { MINE: "1" } });
  await channel.deliver(message, never);
  expect(JSON.parse(read("input"))).toEqual({
    ...{ key: "12-test", kind: "finding", severity: "critical", title: "api is down" },
    ...{ body: message.body, why: message.why, at: "2026-11-23T08:30:00.000Z" },
    ...{ thread: "finding-1", links: message.links },
  });
  const variables = read("variables");
  expect(variables).toContain("WATCHKEEPER_TITLE=api is down\n");
  expect(variables).toContain("WATCHKEEPER_BODY=services/api, finding 1\n\nIt answers 503.\n");
  const names = [...variables.matchAll(/^([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  const ofShell = ["PWD", "SHLVL", "_", "OLDPWD"];
  expect(names.filter((name) => !ofShell.includes(name)).sort()).toEqual([
    ...["MINE", "PATH", "WATCHKEEPER_BODY", "WATCHKEEPER_ID", "WATCHKEEPER_KIND"],
    ...["WATCHKEEPER_SEVERITY", "WATCHKEEPER_TITLE", "WATCHKEEPER_WHY"],
  ]);
});

it("has no shell: words of the owner and of strangers stay words", async () => {
  const { dir, open, path, read } = place();
  writeFileSync(path("show"), '#!/bin/sh\nprintf "%s|" "$@" "$WATCHKEEPER_TITLE" > shown\n');
  chmodSync(path("show"), 0o755);
  const { channel } = open(["./show", "$(touch hacked)", "a b; touch hacked"]);
  await channel.deliver({ ...message, title: "`touch hacked` $(touch hacked)\0" }, never);
  expect(read("shown")).toBe("$(touch hacked)|a b; touch hacked|`touch hacked` $(touch hacked)|");
  expect(existsSync(join(dir, "hacked"))).toBe(false);
});

it.each<[string, Partial<Message>]>([
  ["a text of any length", { body: "🙂".repeat(50_000) }],
  ["half a sign", { title: "\ud83d" }],
])("takes %s", async (_what, changes) => {
  const { open } = place();
  await open(["sh", "-c", "cat > /dev/null"]).channel.deliver({ ...message, ...changes }, never);
});

it("need not read its input, nor close its output", async () => {
  const { open, read } = place();
  const { channel } = open(["sh", "-c", "sleep 600 & echo $! > left; exit 0"]);
  await channel.deliver({ ...message, body: "x".repeat(500_000) }, never);
  process.kill(Number(read("left")), "SIGKILL");
});

it("says with what it ended and what it said", async () => {
  const { open } = place();
  const { channel } = open(["sh", "-c", "echo 'no display\u001b[31m' >&2; exit 7"]);
  expect(await error(channel.deliver(message, never))).toMatchObject({
    ...{ code: "CHANNEL_COMMAND_FAILED", outcome: "not-sent", retryable: true },
    message: 'command: "sh" ended with 7: no display[31m',
  });
});

it("ends with all that it has started when it takes too long", async () => {
  const { open, path, read } = place();
  const { channel, clock } = open(["sh", "-c", "sleep 600 & echo $! > child; wait"], {
    timeout: "5s",
  });
  const sending = error(channel.deliver(message, never));
  await until(() => existsSync(path("child")) && read("child").endsWith("\n"));
  await clock.advance(5_000);
  expect(await sending).toMatchObject({ outcome: "unknown" });
  const child = Number(read("child"));
  await until(() => !isRunning(child));
});

/** A killed process that nobody has buried yet is not running. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
