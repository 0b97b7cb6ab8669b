import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callTools, reportAll, startScriptedModel } from "watchkeeper/testing";
import { packageInfo } from "../../src/config/package.ts";
import { openStoreReader } from "../../src/store/index.ts";
import { bundleChild, type BundledChild } from "./bundled-child.ts";
import { liveOneBeat, type Life } from "./crash-life.ts";

/**
 * kill -9 at every single write of a run with read, write and send tools, before it and after it. The
 * points are enumerated by an undisturbed run, not by hand.
 */

const { root, migrationsDir } = packageInfo();
let child: BundledChild;
beforeAll(async () => {
  child = await bundleChild("crash-child");
});
afterAll(() => child[Symbol.asyncDispose]());

const skill = (folder: string): string => `
import { appendFileSync } from "node:fs";
import { defineSkill, defineTool, z } from ${JSON.stringify(join(root, "dist", "index.js"))};
const write = (file, line) => appendFileSync(${JSON.stringify(folder)} + "/" + file, line + "\\n");
const input = z.object({});
export default defineSkill({
  checks: () => ({
    level: {
      every: "1h",
      observe: async ({ cursor }) => ({
        observations: cursor ? [] : [{ key: "high", severity: "warning", title: "High tide", trust: "trusted" }],
        cursor: 1,
      }),
    },
  }),
  tools: () => ({
    look: defineTool({ description: "Looks.", effect: "read", trust: "trusted", input, run: async () => "calm" }),
    note: defineTool({
      description: "Notes.", effect: "write", trust: "trusted", idempotent: true, input,
      run: async (_, { idempotencyKey }) => write("notes.txt", idempotencyKey),
    }),
    post: defineTool({
      description: "Posts.", effect: "send", trust: "trusted", input,
      run: async (_, { idempotencyKey }) => write("posts.txt", idempotencyKey),
    }),
  }),
});
`;

async function world() {
  const folder = await mkdtemp(join(tmpdir(), "watchkeeper-crash-"));
  await mkdir(join(folder, "deeds"));
  await writeFile(join(folder, "deeds", "index.ts"), skill(folder));
  await writeFile(join(folder, "deeds", "SKILL.md"), "---\nname: deeds\ndescription: Does.\n---\n");
  const lines = async (file: string) =>
    existsSync(join(folder, file))
      ? (await readFile(join(folder, file), "utf8")).trim().split("\n")
      : [];
  return {
    folder,
    lines,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The reply depends on how far the conversation has come, not on how often the model was asked. */
const model = () =>
  startScriptedModel((request, index) => {
    const turns = request.body.messages.filter(({ role }) => role === "assistant").length;
    if (turns === 0) return callTools([{ name: "deeds_look", input: {} }]);
    if (turns === 1) {
      return callTools([
        { name: "deeds_note", input: {} },
        { name: "deeds_post", input: {} },
      ]);
    }
    return reportAll("notify")(request, index);
  });

async function run(folder: string, url: string, number: number, when: "before" | "after") {
  const started = spawn(process.execPath, [child.path, folder, url, String(number), when], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  started.stdout.on("data", (chunk) => (out += String(chunk)));
  const [, signal] = (await once(started, "close")) as [number, NodeJS.Signals | null];
  const said = (out ? JSON.parse(out) : { writes: [], printed: [] }) as Life;
  return { signal, ...said };
}

test("killed before and after every write of a run, nothing is lost and nothing is done twice", async () => {
  await using server = await model();
  let names: readonly string[];
  {
    await using calm = await world();
    const undisturbed = await run(calm.folder, server.baseUrl, 0, "before");
    names = undisturbed.writes;
    expect(await calm.lines("posts.txt")).toHaveLength(1);
    expect(undisturbed.printed).toHaveLength(1);
  }
  expect(names).toContain("markEffectSent");
  // Two effects stand side by side: between the first that was sent and the last that was finished.
  const [sentAt, finishedAt] = [names.indexOf("markEffectSent"), names.lastIndexOf("finishEffect")];
  const isBetween = (offset: number, when: "before" | "after") =>
    (offset > sentAt || (offset === sentAt && when === "after")) &&
    (offset < finishedAt || (offset === finishedAt && when === "before"));
  const counts = { points: 0, done: 0, failed: 0, unknown: 0 };
  for (const [offset, name] of names.entries()) {
    for (const when of ["before", "after"] as const) {
      await using place = await world();
      const point = `${when} ${name} (${offset + 1})`;
      const first = await run(place.folder, server.baseUrl, offset + 1, when);
      expect([point, first.signal]).toEqual([point, "SIGKILL"]);
      // The next life dies of nothing: it needs no process of its own, and has only what the folder holds.
      await liveOneBeat({ folder: place.folder, modelUrl: server.baseUrl });

      await using store = openStoreReader({ stateDir: join(place.folder, "state"), migrationsDir });
      const all = { all: true, limit: 50 };
      const findings = (await store?.listFindings(all)) ?? [];
      const tide = findings.filter(({ key }) => key === "high");
      expect([point, tide.length, tide[0]?.handledRevision]).toEqual([point, 1, 1]);
      const told = (await store?.listNotifications({ limit: 50 })) ?? [];
      const aboutTide = told.filter(({ findings: over }) => over.includes(tide[0]?.id ?? 0));
      expect([point, aboutTide.map(({ state }) => state)]).toEqual([point, ["delivered"]]);

      const effects = (await store?.listEffects({ limit: 50 })) ?? [];
      const post = effects.filter(({ tool }) => tool === "deeds_post");
      const posts = await place.lines("posts.txt");
      const states = post.map(({ state }) => state);
      counts.points += 1;
      for (const state of states) if (state in counts) counts[state as "done"] += 1;
      // Sent once at most; what is done was sent, what failed was not, and unknown is only in between.
      expect([point, posts.length]).toEqual([point, Math.min(posts.length, 1)]);
      if (states.includes("done")) expect([point, posts.length]).toEqual([point, 1]);
      if (states.includes("failed")) expect([point, posts.length]).toEqual([point, 0]);
      if (states.includes("unknown"))
        expect([point, isBetween(offset, when)]).toEqual([point, true]);
      // Called again, with the same key, where the tool allows it; not at all when it was never begun.
      const noteStates = effects
        .filter(({ tool }) => tool === "deeds_note")
        .map(({ state }) => state);
      const notes = new Set(await place.lines("notes.txt")).size;
      expect([point, noteStates, notes]).toEqual([
        point,
        noteStates,
        noteStates.includes("done") ? 1 : 0,
      ]);
      const runs = (await store?.listRuns({ limit: 50 })) ?? [];
      expect([point, runs.map(({ outcome }) => outcome)]).toEqual([point, ["ok"]]);
    }
  }
  process.stdout.write(`crash points: ${JSON.stringify(counts)}\n`);
}, 900_000);

test("killed again, in the process that goes on with the run, it does nothing twice either", async () => {
  await using server = await model();
  let first: number;
  let names: readonly string[];
  {
    await using calm = await world();
    // The calls stand in the journal, and nothing was begun yet.
    first = (await run(calm.folder, server.baseUrl, 0, "before")).writes.indexOf("planEffect") + 1;
  }
  {
    await using once = await world();
    await run(once.folder, server.baseUrl, first, "before");
    names = (await run(once.folder, server.baseUrl, 0, "before")).writes;
  }
  let points = 0;
  for (const [offset, name] of names.entries()) {
    if (!["planEffect", "markEffectSent", "finishEffect"].includes(name)) continue;
    await using place = await world();
    await run(place.folder, server.baseUrl, first, "before");
    const second = await run(place.folder, server.baseUrl, offset + 1, "after");
    const third = await run(place.folder, server.baseUrl, 0, "before");
    const point = `after ${name} (${offset + 1})`;
    expect([point, second.signal, third.signal]).toEqual([point, "SIGKILL", null]);
    const counts = [await place.lines("posts.txt"), await place.lines("notes.txt")];
    for (const lines of counts) {
      expect([point, new Set(lines).size]).toEqual([point, Math.min(1, lines.length)]);
    }
    const posts = (await place.lines("posts.txt")).length;
    expect([point, posts]).toEqual([point, Math.min(1, posts)]);
    points += 1;
  }
  expect(points).toBe(6);
});
