import { randomUUID } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { callTools, createMaildir, reportAll, type ReplyMaker } from "watchkeeper/testing";
import { writeFiles } from "./daemon-process.ts";

/** A world in which something happens all the time, and that takes down what was done to it. */

/** Numbers from 0 up to 1, 1 excluded; the same ones for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface BusyWorld {
  /** The subjects of the mails that were delivered. */
  readonly mails: readonly string[];
  /** The lines of the feed so far. */
  readonly lines: readonly string[];
  /** Delivers mails and lines until it is told to stop, and rests between two for up to so long. */
  happen(random: () => number, longestRestMs: () => number, signal: AbortSignal): Promise<void>;
  /** What a tool has done, one entry for each time: the idempotency key and what it was about. */
  deeds(tool: string): Promise<readonly Deed[]>;
}

export interface Deed {
  readonly key: string;
  readonly about: string;
}

export async function makeBusyWorld(folder: string): Promise<BusyWorld> {
  const maildir = await createMaildir(join(folder, "mail"));
  await writeFiles(folder, {
    "agent.config.ts": config,
    "feed.txt": "",
    "deeds/SKILL.md": "---\nname: deeds\ndescription: Reads a feed, and does things.\n---\n",
    "deeds/index.ts": skill,
  });
  const mails: string[] = [];
  const lines: string[] = [];
  return {
    mails,
    lines,
    async happen(random, longestRestMs, signal) {
      while (!signal.aborted) {
        await pause(20 + random() * longestRestMs());
        if (random() < 0.5) {
          const line = `Reading ${lines.length + 1}`;
          await appendFile(join(folder, "feed.txt"), `${line}\n`);
          lines.push(line);
        } else {
          const subject = `Message ${mails.length + 1}`;
          const headers = { "Message-ID": `<${randomUUID()}@example.com>` };
          const addresses = { from: "ann@example.com", to: "me@example.com" };
          await maildir.deliver({ ...addresses, subject, text: "Hello.", headers });
          mails.push(subject);
        }
      }
    },
    async deeds(tool) {
      const text = await readFile(join(folder, `${tool}.txt`), "utf8").catch(() => "");
      const written = text.split("\n").filter(Boolean);
      return written.map((entry) => {
        const [key = "", about = ""] = entry.split(" ");
        return { key, about };
      });
    },
  };
}

/**
 * For up to eight findings a deed each, four at a time; then a report that tells of everything. What it says depends
 * on what the conversation holds, not on how often it was asked.
 */
export const busyScript: ReplyMaker = async (request, index) => {
  await pause(5);
  const [first] = request.body.messages;
  const shown = JSON.stringify(first?.content ?? "").matchAll(
    /<finding id=\\"(\d+)\\" skill=\\"(?:inbox|deeds)\\"/g,
  );
  const ids = [...shown].map(([, id]) => Number(id));
  const replies = request.body.messages.filter(({ role }) => role === "assistant").length;
  const chosen = replies < 2 ? ids.slice(4 * replies, 4 * (replies + 1)) : [];
  if (chosen.length === 0) return reportAll("notify")(request, index);
  return callTools(
    chosen.map((id) => ({
      name: ["deeds_note", "deeds_post", "deeds_book", "deeds_letter"][id % 4] ?? "",
      input: { about: String(id), refuse: id % 5 === 0 },
    })),
  );
};

const skill = `
  import { appendFile, readFile } from "node:fs/promises";
  import { join } from "node:path";
  import { setTimeout as pause } from "node:timers/promises";
  import { defineSkill, defineTool, ToolError, z } from "watchkeeper";

  export default defineSkill({
    checks: ({ baseDir }) => ({
      feed: {
        every: "1s",
        async observe({ cursor }) {
          const text = await readFile(join(baseDir, "feed.txt"), "utf8");
          const whole = text.slice(0, text.lastIndexOf("\\n") + 1);
          const seen = cursor ?? 0;
          const fresh = whole.slice(seen).split("\\n").filter(Boolean);
          return {
            observations: fresh.map((line) => ({
              key: line, severity: "notice", title: line, trust: "trusted",
            })),
            cursor: whole.length,
          };
        },
      },
    }),
    tools: ({ baseDir }) => {
      const file = (name) => join(baseDir, name + ".txt");
      const input = z.object({ about: z.string(), refuse: z.boolean() });
      const act = (name) => async ({ about, refuse }, { idempotencyKey }) => {
        await pause(20);
        if (refuse) throw new ToolError("POST_CLOSED", "the post office is closed");
        await appendFile(file(name), idempotencyKey + " " + about + "\\n");
        await pause(30);
        return { kept: idempotencyKey };
      };
      const isIn = async (name, key) => (await readFile(file(name), "utf8").catch(() => "")).includes(key);
      const common = { input, trust: "trusted" };
      return {
        note: defineTool({
          ...common, description: "Notes it down.", effect: "write", idempotent: true,
          async run(given, context) {
            if (await isIn("note", context.idempotencyKey)) return "was there";
            return act("note")(given, context);
          },
        }),
        post: defineTool({ ...common, description: "Posts it.", effect: "send", run: act("post") }),
        book: defineTool({
          ...common, description: "Books it.", effect: "send", run: act("book"),
          async reconcile(_, { idempotencyKey }) {
            return (await isIn("book", idempotencyKey)) ? { result: "found" } : "not-done";
          },
        }),
        letter: defineTool({ ...common, description: "Writes a letter.", effect: "send", run: act("letter") }),
      };
    },
  });
`;

const config = `
  import { defineConfig } from "watchkeeper";
  const grant = (tool) => ({ tool, maxPerDay: 100_000, evenIfUntrusted: true });
  const much = 1e9;
  export default defineConfig({
    timezone: "UTC",
    heartbeat: { every: "1s", slack: "1s" },
    model: {
      chain: [{ model: "claude-sonnet-5-5" }],
      budget: { perRunUsd: much, dailyUsd: much, monthlyUsd: much, perRunTokens: much, dailyTokens: much },
      // Each time that a run is killed costs it a step.
      limits: { stepsPerRun: 10_000, toolCallsPerRun: 10_000, identicalCalls: 10_000, minutesPerRun: 1_440 },
    },
    skills: {
      inbox: { every: "1s", accounts: [{ name: "work", maildir: "./mail", firstSight: "2d" }] },
      "./deeds": {},
    },
    policy: { grants: [grant("deeds_note"), grant("deeds_post"), grant("deeds_book")] },
    notify: { interruptionsPerDay: 1_000_000 },
  });
`;
