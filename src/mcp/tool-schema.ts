import { z } from "zod";
import { plainText } from "../domain/plain-text.ts";

/**
 * A stranger's JSON Schema made into one of ours: it stands in every request, where a wrong one would
 * make the provider refuse all, and what the agent sends is checked by it before anybody is called.
 */

const deepest = 10;
const mostNodes = 400;
const longestText = 300;
const propertyName = /^[A-Za-z0-9_.-]{1,64}$/;
const dangerous = new Set(["__proto__", "constructor", "prototype"]);
const simpleTypes = ["string", "number", "integer", "boolean", "object", "array", "null"];
const limits = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
];

type Json = Record<string, unknown>;

/** @returns undefined when it is too large, too deep, or names what no request may hold */
export function readToolSchema(schema: unknown): z.ZodType<Record<string, unknown>> | undefined {
  const budget = { nodes: mostNodes };
  try {
    const { properties = {}, required = [], additionalProperties } = clean(schema, 0, budget);
    // Of the top only what an object has: providers take no choice there.
    const more = additionalProperties === false ? { additionalProperties } : {};
    const made = z.fromJSONSchema({ type: "object", properties, required, ...more } as Json);
    // What zod cannot say again it would not show the model either.
    z.toJSONSchema(made, { io: "input", unrepresentable: "any" });
    return made as z.ZodType<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** Known keywords with values of the right kind; patterns are left out: a bad one never ends. */
function clean(schema: unknown, depth: number, budget: { nodes: number }): Json {
  budget.nodes -= 1;
  if (budget.nodes < 0 || depth > deepest) throw new Error("too large");
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return {};
  const given = schema as Json;
  const into: Json = {};
  const inner = (part: unknown) => clean(part, depth + 1, budget);
  const type = typesOf(given.type);
  if (type) into.type = type;
  if (typeof given.description === "string") {
    into.description = plainText(given.description, longestText);
  }
  for (const limit of limits) {
    const value = given[limit];
    if (typeof value === "number" && Number.isFinite(value)) into[limit] = value;
  }
  if (Array.isArray(given.enum) && given.enum.length > 0) {
    into.enum = given.enum.slice(0, 100).map(simpleValue);
  }
  if (given.const !== undefined) into.const = simpleValue(given.const);
  if (isRecord(given.properties)) {
    const entries = Object.entries(given.properties);
    for (const [name] of entries) {
      if (!propertyName.test(name) || dangerous.has(name))
        throw new Error("a name that is refused");
    }
    into.properties = Object.fromEntries(entries.map(([name, value]) => [name, inner(value)]));
    const known = new Set(entries.map(([name]) => name));
    if (Array.isArray(given.required)) {
      into.required = given.required.filter((name) => typeof name === "string" && known.has(name));
    }
  }
  if (given.items !== undefined && !Array.isArray(given.items)) into.items = inner(given.items);
  const choices = given.anyOf ?? given.oneOf;
  if (Array.isArray(choices) && choices.length > 0) into.anyOf = choices.slice(0, 20).map(inner);
  if (given.additionalProperties === false) into.additionalProperties = false;
  return into;
}

function typesOf(type: unknown): string | string[] | undefined {
  const all = [type].flat();
  if (!all.every((one) => typeof one === "string" && simpleTypes.includes(one))) return undefined;
  return all.length === 1 ? (all[0] as string) : (all as string[]);
}

function simpleValue(value: unknown): unknown {
  if (typeof value === "string") return plainText(value, longestText);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  throw new Error("a value that is not simple");
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
