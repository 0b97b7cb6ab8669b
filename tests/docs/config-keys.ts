import type { z } from "zod";

/** The keys that a zod schema takes, each as a page names it: `model.chain[].model`. */

type Schema = z.core.$ZodType;

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly element?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly options?: readonly Schema[];
}

/** A list is a key itself, beside those of its items; so is a record with a default of its own. */
export function keysOf(schema: Schema, path = ""): string[] {
  const { type, innerType, in: input, element, shape, options } = schema._zod.def as Definition;
  const inner = innerType ?? input;
  if (inner) {
    const isRecord = keysOf(inner, "").length > 1;
    return type === "default" && isRecord
      ? [...new Set([path, ...keysOf(inner, path)])]
      : keysOf(inner, path);
  }
  if (options) return [...new Set(options.flatMap((option) => keysOf(option, path)))];
  if (element) {
    const item = `${path}[]`;
    return [path, ...keysOf(element, item).filter((key) => key !== item)];
  }
  const keys = Object.entries(shape ?? {}).flatMap(([key, value]) =>
    keysOf(value, path ? `${path}.${key}` : key),
  );
  return keys.length > 0 ? keys : [path];
}

/**
 * Writes a value into every place that a key names: in all items of a list, into records that are
 * there and into those that are not.
 * @param value undefined takes away what is there
 * @returns a copy, or undefined when there is no such place
 */
export function withValue(config: unknown, key: string, value: unknown): unknown {
  return place(config, partsOf(key), value);
}

function place(node: unknown, [part, ...rest]: readonly string[], value: unknown): unknown {
  if (part === undefined) return value;
  if (part === "[]") {
    if (!Array.isArray(node) || node.length === 0) return undefined;
    return node.map((item: unknown) => place(item, rest, value));
  }
  if (typeof (node ?? {}) !== "object") return undefined;
  const record = (node ?? {}) as Record<string, unknown>;
  const inner = place(record[part], rest, value);
  if (rest.length > 0 && inner === undefined) return undefined;
  return { ...record, [part]: inner };
}

/** What stands at the places that a key names. */
export function valuesAt(config: unknown, key: string): unknown[] {
  return partsOf(key).reduce<unknown[]>(
    (nodes, part) =>
      nodes.flatMap((node): unknown[] => {
        if (part === "[]") return Array.isArray(node) ? node : [];
        return [(node as Record<string, unknown> | undefined)?.[part]];
      }),
    [config],
  );
}

const partsOf = (key: string): string[] => key.split(/\.|(?=\[\])/);
