/**
 * Who may import whom: the one picture of the layers. Imports flow one way,
 * `cli, web → daemon → heartbeat → agent → effects, notify, memory, model → store → domain`.
 * A folder of src/ that is not listed here may neither import nor be imported.
 */
const trunk = ["store", "telemetry", "domain"];
const capabilities = ["effects", "notify", "memory", "model"];
const belowHeartbeat = ["agent", ...capabilities, "skills", "config", ...trunk];
const belowDaemon = ["heartbeat", ...belowHeartbeat];
const aroundDaemon = ["control", "demo", ...belowDaemon];
const belowCli = ["daemon", "views", ...aroundDaemon];

/** @type {Record<string, readonly string[]>} layer → the layers it may import besides itself */
export const layers = {
  domain: [],
  telemetry: ["domain"],
  config: ["domain"],
  demo: ["domain"],
  skills: ["config", "domain"],
  store: ["domain"],
  model: ["config", ...trunk],
  memory: ["config", ...trunk],
  notify: ["config", ...trunk],
  effects: ["skills", "config", ...trunk],
  agent: [...capabilities, "skills", "config", ...trunk],
  heartbeat: belowHeartbeat,
  // control.sock: a server for the daemon, a client for the CLI.
  control: ["domain"],
  daemon: aroundDaemon,
  // What the store holds, as the JSON that the CLI and the page give out.
  views: ["store", "domain"],
  web: belowCli,
  cli: ["web", ...belowCli],
  // The public API (src/index.ts): re-exports, nothing of the machinery.
  index: ["config", "skills", "domain"],
  // For skill authors' tests: they get no daemon with it.
  testing: ["heartbeat", ...belowHeartbeat],
};

/** What beyond zod the domain may lean on: it decides, it never looks at the world. */
export const domainPackages = ["zod", "croner", "temporal-polyfill", "node:crypto"];

/**
 * Packages that stay behind one layer's port; `typesIn` may speak of their types.
 * @type {Record<string, { usedIn: readonly string[], typesIn: readonly string[] }>}
 */
export const privatePackages = {
  "drizzle-orm": { usedIn: ["store"], typesIn: [] },
  "better-sqlite3": { usedIn: ["store"], typesIn: [] },
  "@anthropic-ai/sdk": { usedIn: ["model"], typesIn: ["agent"] },
  "prom-client": { usedIn: ["web"], typesIn: [] },
};
