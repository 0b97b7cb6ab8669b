import {
  callTools,
  reportAll,
  startScriptedModel,
  type ScriptedModel,
  type ScriptedToolCall,
} from "../../src/testing/index.ts";
import { aLongTime, createPlace, type Place } from "./place.ts";

/**
 * A skill that does something to the world: `deeds_send` adds a line to `sent.txt`, `deeds_write` one
 * to `notes.txt` and can take it back. `deeds/bell` finds what stands in `bell.json`.
 */
const code = `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineSkill, defineTool, ToolError, z } from "watchkeeper";
export default defineSkill({
  checks: ({ baseDir }) => ({
    bell: {
      every: "${aLongTime}",
      async observe() {
        return { observations: JSON.parse(readFileSync(join(baseDir, "bell.json"), "utf8")), complete: true };
      },
    },
  }),
  tools: ({ baseDir }) => ({
    look: defineTool({
      description: "Looks.",
      effect: "read",
      input: z.strictObject({}),
      run: async () => "nothing to see",
    }),
    write: defineTool({
      description: "Writes a note.",
      effect: "write",
      input: z.strictObject({ text: z.string() }),
      async run({ text }) {
        appendFileSync(join(baseDir, "notes.txt"), text + "\\n");
        return { text };
      },
      async undo({ text }) {
        const path = join(baseDir, "notes.txt");
        writeFileSync(path, readFileSync(path, "utf8").replace(text + "\\n", ""));
      },
    }),
    tell: defineTool({
      description: "Keeps a line for the owner, or sends it to another.",
      effect: ({ to }) => (to === "me" ? "write" : "send"),
      input: z.strictObject({ to: z.string(), text: z.string() }),
      async run({ to, text }) {
        appendFileSync(join(baseDir, to === "me" ? "notes.txt" : "sent.txt"), to + ": " + text + "\\n");
      },
      async undo() {},
    }),
    send: defineTool({
      description: "Sends a line.",
      effect: "send",
      input: z.strictObject({ to: z.string(), text: z.string() }),
      async run({ to, text }) {
        if (to === "nobody") throw new ToolError("NOBODY", "nobody lives there", { hint: "Ask around" });
        if (to === "limbo") throw new Error("the line went dead");
        appendFileSync(join(baseDir, "sent.txt"), to + ": " + text + "\\n");
        return { sent: to };
      },
      async subject({ to }) {
        return { street: to.split("@")[1] ?? "none" };
      },
    }),
  }),
});
`;

export interface DeedsPlace extends AsyncDisposable {
  readonly place: Place;
  readonly model: ScriptedModel;
  /** Rings with something new, whose run then makes these calls; done when the run has ended. */
  ring(...calls: ScriptedToolCall[]): Promise<void>;
  /** What the next rings are from: default a stranger. */
  trust: "trusted" | "untrusted";
  /** The lines of a file that the tools write; none when it is not there. */
  lines(name: "sent.txt" | "notes.txt"): Promise<string[]>;
}

/** @param secrets environment that the configuration names as secrets */
export async function createDeedsPlace(
  policy = "{}",
  secrets: Readonly<Record<string, string>> = {},
): Promise<DeedsPlace> {
  let next: ScriptedToolCall[] = [];
  const model = await startScriptedModel((request, index) => {
    const calls = next;
    next = [];
    return calls.length > 0 ? callTools(calls) : reportAll("ignore")(request, index);
  });
  const place = await createPlace({
    ...secrets,
    ANTHROPIC_API_KEY: "k",
    ANTHROPIC_BASE_URL: model.baseUrl,
  });
  await place.skill("deeds", code);
  const named = Object.keys(secrets).map((name) => `secret(${JSON.stringify(name)})`);
  await place.config(
    `{ skills: { "./skills/deeds": { secrets: [${named.join(", ")}] } }, policy: ${policy} }`,
  );
  await place.write("bell.json", "[]");
  const rings: object[] = [];
  const deeds: DeedsPlace = {
    place,
    model,
    trust: "untrusted",
    async ring(...calls) {
      next = calls;
      const ring = { key: `ring ${rings.length}`, severity: "notice", title: "It rings" };
      rings.push({ ...ring, trust: deeds.trust });
      await place.write("bell.json", JSON.stringify(rings));
      const { exitCode, stderr } = await place.run("beat");
      if (exitCode !== 0) throw new Error(`the beat failed: ${stderr}`);
    },
    async lines(name) {
      const text = await place.read(name).catch(() => "");
      return text.split("\n").filter(Boolean);
    },
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    },
  };
  return deeds;
}

export const sending = (to: string, text = "hello"): ScriptedToolCall => ({
  name: "deeds_send",
  input: { to, text },
});

export const writing = (text: string): ScriptedToolCall => ({
  name: "deeds_write",
  input: { text },
});
