import type { ConfigInput } from "./schema.ts";
import type { Secret } from "./secret.ts";

/** A config type in which a `secret()` may stand wherever a string may. */
type WithSecrets<T> = T extends string
  ? T | Secret
  : T extends readonly (infer Item)[]
    ? WithSecrets<Item>[]
    : T extends object
      ? { [Key in keyof T]: WithSecrets<T[Key]> }
      : T;

export type Config = WithSecrets<ConfigInput>;

/**
 * Declares the configuration: the default export of `agent.config.ts`.
 * @example
 * export default defineConfig({ skills: { services: { targets: [{ name: "api", http: "https://…" }] } } });
 */
export function defineConfig(config: Config): Config {
  return config;
}
