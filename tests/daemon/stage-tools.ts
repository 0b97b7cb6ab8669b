import { defineTool, ToolError, z } from "watchkeeper";

/** Tools for the stage. */

/** Reads a gauge: allowed, quick, and the same each time. */
export const gauge = defineTool({
  description: "Read the gauge.",
  effect: "read",
  trust: "trusted",
  input: z.strictObject({}),
  run: async () => ({ bar: 3 }),
});

/** Takes a valve's number, so that there is input to get wrong. */
export const valve = defineTool({
  description: "Look at one valve.",
  effect: "read",
  input: z.strictObject({ number: z.int().positive() }),
  run: async ({ number }) => ({ number, open: true }),
});

export const broken = defineTool({
  description: "Look at what cannot be seen.",
  effect: "read",
  input: z.strictObject({}),
  run: async () => {
    throw new ToolError("GAUGE_FOGGED", "the glass is fogged", { hint: "Wipe it first" });
  },
});

/** Never returns, and does not listen to its signal. */
export const stuck = defineTool({
  description: "Wait for the tide.",
  effect: "read",
  timeout: "20s",
  input: z.strictObject({}),
  run: () => new Promise<never>(() => undefined),
});

/** Tools that would do something to the world; `done` counts what they did. */
export function doers() {
  const done: string[] = [];
  const doer = (name: string, effect: "write" | "send" | "destroy") =>
    defineTool({
      description: `Do a ${effect}.`,
      effect,
      input: z.strictObject({}),
      run: async () => {
        done.push(name);
        return "done";
      },
    });
  return {
    done,
    tools: {
      note: doer("note", "write"),
      call: doer("call", "send"),
      flood: doer("flood", "destroy"),
    },
  };
}
