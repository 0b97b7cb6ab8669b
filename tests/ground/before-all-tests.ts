import { ensureBuilt } from "../../scripts/ensure-built.js";
import { describeMissing, missingServers } from "./real-servers.ts";

/** Runs once before the tests: says what they will lack, and builds what the whole-daemon tests start. */
export default async function beforeAllTests(): Promise<void> {
  const message = describeMissing(missingServers(process.env.PATH ?? ""));
  if (message && process.env.WATCHKEEPER_REQUIRE_SERVERS === "1") {
    throw new Error(`WATCHKEEPER_REQUIRE_SERVERS is set. ${message}`);
  }
  if (message) process.stderr.write(`${message}\n`);
  const problem = await ensureBuilt();
  if (problem) process.stderr.write(`watchkeeper: ${problem}\n`);
}
