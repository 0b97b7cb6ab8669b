import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineTool, z, type AnyTool, type ToolEffect } from "watchkeeper";
import type { Grant } from "../../src/domain/policy.ts";

/**
 * A tool of each effect under each kind of grant. What they do to the world is a line in a file, and
 * by that file they are judged.
 */

export const kinds = [
  "read",
  "write",
  "undoable",
  "harmless",
  "send",
  "destroy",
  "varies",
] as const;
export type Kind = (typeof kinds)[number];

/** What the owner has granted a tool; `a@hill.example` and the place `shed` are what orders claim. */
export const permits = ["none", "ours", "fits", "elsewhere", "lost", "spent"] as const;
export type Permit = (typeof permits)[number];

const many = 1_000_000;
const spentCap = 3;

const grantFor: Readonly<Record<Permit, Omit<Grant, "tool"> | null>> = {
  none: null,
  /** Not for runs with untrusted text. */
  ours: { when: { to: "*@hill.example" }, maxPerDay: many, evenIfUntrusted: false },
  fits: { when: { to: "*@hill.example", place: "shed" }, maxPerDay: many, evenIfUntrusted: true },
  /** The arguments say shed, what the tool finds out says barn. */
  elsewhere: { when: { place: "shed" }, maxPerDay: many, evenIfUntrusted: true },
  /** The look-up fails, and an argument has the fact's name. */
  lost: { when: { place: "shed" }, maxPerDay: many, evenIfUntrusted: true },
  spent: { when: {}, maxPerDay: spentCap, evenIfUntrusted: true },
};

/** Where grants change nothing, some kinds of them are enough. */
const always: readonly Kind[] = ["read", "harmless"];
export const stageTools = kinds.flatMap((kind) =>
  permits
    .filter((permit) => !always.includes(kind) || permit === "none" || permit === "spent")
    .map((permit) => ({ kind, permit, tool: `${kind}_${permit}` })),
);

export const grants: readonly Grant[] = stageTools.flatMap(({ tool, permit }) => {
  const grant = grantFor[permit];
  return grant ? [{ tool: `stage_${tool}`, ...grant }] : [];
});

const input = z.strictObject({
  id: z.string().max(200),
  to: z.string().max(5_000),
  place: z.string().max(200).optional(),
});
type Input = z.output<typeof input>;

export interface Deed {
  readonly tool: string;
  readonly kind: Kind;
  readonly permit: Permit;
  readonly input: Input;
}

export interface Stage {
  readonly tools: Readonly<Record<string, AnyTool>>;
  /** What was done to the world, from the first to the last. */
  deeds(): Deed[];
}

export function buildStage(folder: string): Stage {
  const file = join(folder, "deeds.jsonl");
  const build = (kind: Kind, permit: Permit): AnyTool =>
    defineTool({
      description: `Does a ${kind}.`,
      effect: effectOf(kind),
      // So that a run of trusted findings stays one.
      trust: "trusted",
      input,
      async run(given) {
        const deed: Deed = { tool: `${kind}_${permit}`, kind, permit, input: given };
        appendFileSync(file, `${JSON.stringify(deed)}\n`);
        return "done";
      },
      async subject(): Promise<Record<string, string>> {
        if (permit === "lost") throw new Error("nobody knows the place");
        return { place: permit === "elsewhere" ? "barn" : "shed" };
      },
      ...(kind === "undoable" && { undo: async () => undefined }),
      ...(kind === "harmless" && { harmless: true as const }),
    });
  return {
    tools: Object.fromEntries(
      stageTools.map(({ kind, permit, tool }) => [tool, build(kind, permit)] as const),
    ),
    deeds: () =>
      existsSync(file)
        ? readFileSync(file, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Deed)
        : [],
  };
}

function effectOf(kind: Kind): ToolEffect | ((given: Input) => ToolEffect) {
  switch (kind) {
    case "read":
    case "send":
    case "destroy":
      return kind;
    case "varies":
      return ({ to }) => (to === "me" ? "write" : "send");
    default:
      return "write";
  }
}

/** What the owner's words come to, stated apart from the code that decides: how many of the calls may be done. */
export function allowed(
  { kind, permit }: Pick<Deed, "kind" | "permit">,
  { calls, untrusted }: { calls: number; untrusted: boolean },
): number {
  if (kind === "read" || kind === "harmless") return calls;
  if (!untrusted && (kind === "write" || kind === "undoable")) return calls;
  switch (permit) {
    case "none":
    case "elsewhere":
    case "lost":
      return 0;
    case "ours":
      return untrusted ? 0 : calls;
    case "fits":
      return calls;
    case "spent":
      return Math.min(calls, spentCap);
  }
}
