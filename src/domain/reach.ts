/** Which parts of a call say who or what is reached. A name that is not known here says nothing of it. */

const reachWords = new Set(
  [
    "to cc bcc from recipient recipients address addresses email emails sender organizer organiser list",
    "attendee attendees invitee invitees guest guests participant participants member members",
    "user users username person people contact contacts assignee assignees owner group groups team",
    "channel channels room rooms chat conversation inbox mailbox phone device target targets destination",
    "url urls uri href link webhook endpoint host hostname server domain topic queue repo repository",
  ].flatMap((line) => line.split(" ")),
);

/** They name what is answered, not who is written to. */
const references = /^(?:in_?)?reply_?to_?(?:id|message)$|^in_?reply_?to$/i;

/** Of messages and events: they look like addresses and are none. */
const identifiers = /(?:^|[a-z_-])(?:id|uid|Id|Uid)$/;

/** Whether a fact or argument of that name says who or what is reached: `to`, `roomId`, `cc_emails`. */
export function saysWho(name: string): boolean {
  if (references.test(name)) return false;
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").split(/[^A-Za-z\d]+/);
  return words.some((word) => reachWords.has(word.toLowerCase()));
}

/** Whether an argument says who is reached, by its name, by a name within it, or as an address. */
export function argumentReaches(name: string, value: unknown): boolean {
  if (saysWho(name)) return true;
  if (references.test(name) || identifiers.test(name)) return false;
  if (typeof value === "string")
    return /^(?:[^\s@]+@[^\s@]+|[a-z][a-z\d+.-]*:\/\/\S+)$/i.test(value);
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value)
    ? value.some((item) => argumentReaches("", item))
    : Object.entries(value).some(([inner, item]) => argumentReaches(inner, item));
}

type JsonSchema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The arguments that a tool takes, by its JSON Schema. Undefined when it takes some of any name. */
export function argumentSchemas(schema: unknown): ReadonlyMap<string, unknown> | undefined {
  if (!isSchema(schema)) return undefined;
  const { properties, additionalProperties = false } = schema;
  if (additionalProperties !== false || !isSchema(properties)) return undefined;
  return new Map(Object.entries(properties));
}

const scalars: readonly unknown[] = ["string", "number", "integer", "boolean", "null"];
const deepest = 8;

/** Whether what an argument may hold could say who is reached; what cannot be told could. */
export function schemaReaches(name: string, schema: unknown, depth = 0): boolean {
  if (saysWho(name)) return true;
  if (!isSchema(schema) || depth > deepest) return true;
  const within = (part: unknown, inner = "") => schemaReaches(inner, part, depth + 1);
  if (Array.isArray(schema.enum) || "const" in schema) return false;
  const choice = [schema.anyOf, schema.oneOf, schema.allOf].find(Array.isArray);
  if (choice) return choice.some((part) => within(part));
  const types: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.some((type) => {
    if (scalars.includes(type)) return false;
    if (type === "array") return within(schema.items);
    const parts = type === "object" ? argumentSchemas(schema) : undefined;
    return !parts || [...parts].some(([inner, part]) => within(part, inner));
  });
}
