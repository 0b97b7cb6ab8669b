import type { Scrub } from "../domain/scrub.ts";
import { scrubData } from "../domain/scrub-data.ts";
import type { Store } from "./port.ts";

/**
 * The border between the daemon and its database: no known secret gets over it, whoever writes. Texts
 * that stand in an object are cleaned; those that a method takes bare are names and keys of our own.
 */
export function guardStore(store: Store, scrub: Scrub): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...given: unknown[]): unknown =>
        Reflect.apply(
          method,
          target,
          given.map((part) => (typeof part === "string" ? part : scrubData(part, scrub, isOurs))),
        );
    },
  });
}

/** Chosen by our code or named by the owner in the config: a weak secret must not tear them apart. */
const ours = new Set([
  ...["type", "role", "kind", "state", "status", "severity", "trust", "outcome", "trigger"],
  ...["decision", "decidedBy", "verdict", "effect", "check", "skill", "tool", "model", "schedule"],
  ...["version", "toolVersion", "promptVersion", "idempotencyKey", "argumentsHash", "callId"],
  ...["tool_use_id", "id", "name", "channel", "keepSkills", "use", "plan"],
]);

const isOurs = (name: string): boolean => ours.has(name);
