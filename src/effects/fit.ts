import { canonicalJson } from "../domain/canonical.ts";
import { describeError } from "../domain/errors.ts";
import type { ToolEffect } from "../domain/policy.ts";
import type { LoadedTool } from "../skills/load.ts";

/** What a tool's own code makes of a call, before anything is done. */

const toolEffects: readonly unknown[] = ["read", "write", "send", "destroy"] satisfies ToolEffect[];

/** @throws whatever the tool's function throws, TypeError when it names no effect */
export function effectOf(
  { definition }: Pick<LoadedTool, "definition">,
  input: unknown,
): ToolEffect {
  const effect: unknown =
    typeof definition.effect === "function" ? definition.effect(input) : definition.effect;
  if (!toolEffects.includes(effect)) throw new TypeError("the tool does not say what it does");
  return effect as ToolEffect;
}

export type Refitted =
  | { readonly ok: true; readonly input: unknown; readonly effect: ToolEffect }
  | { readonly ok: false; readonly problem: string };

/**
 * Makes of stored arguments what the tool is given. They have been through its schema once: one that
 * changes them again would do something else than was shown.
 */
export function refit(tool: LoadedTool, stored: unknown): Refitted {
  try {
    const json = canonicalJson(stored);
    const parsed = tool.definition.input.safeParse(JSON.parse(json));
    if (!parsed.success) return { ok: false, problem: "the arguments do not fit the tool" };
    const input: unknown = parsed.data;
    if (canonicalJson(input) !== json) {
      return { ok: false, problem: "the tool would not be given the arguments as they were shown" };
    }
    return { ok: true, input, effect: effectOf(tool, input) };
  } catch (error) {
    return { ok: false, problem: `the arguments cannot be checked: ${describeError(error)}` };
  }
}
