/**
 * All tables. They are a public interface: docs/database.md describes each one. Times are integer
 * milliseconds since the epoch (UTC), JSON is text that `json_valid` accepts.
 */
export * from "./tables/daemon.ts";
export * from "./tables/beats.ts";
export * from "./tables/findings.ts";
export * from "./tables/runs.ts";
export * from "./tables/effects.ts";
export * from "./tables/notifications.ts";
export * from "./tables/memories.ts";
export * from "./tables/tools.ts";
