// The container's health check: asks /readyz of the daemon that runs here, wherever its configuration lets
// it listen. Exit code 0 when a beat completed lately, and when the page is off: then nobody can ask.
import { join } from "node:path";
import Database from "better-sqlite3";

/** @returns {Promise<{ ok: boolean, said: string }>} */
async function ask() {
  const file = join(process.env.WATCHKEEPER_STATE ?? "state", "watchkeeper.db");
  const database = new Database(file, { readonly: true, fileMustExist: true });
  const daemon = /** @type {{ web_url: string | null, web_off: string | null } | undefined} */ (
    database.prepare("SELECT web_url, web_off FROM daemon WHERE stopped_at IS NULL").get()
  );
  database.close();
  if (daemon?.web_off) return { ok: true, said: `not asked: ${daemon.web_off}` };
  if (!daemon?.web_url)
    return { ok: false, said: "the daemon has not started yet, or has stopped" };
  const answer = await fetch(new URL("/readyz", daemon.web_url), {
    signal: AbortSignal.timeout(5_000),
  });
  return { ok: answer.ok, said: await answer.text() };
}

try {
  const { ok, said } = await ask();
  process.stdout.write(`${said}\n`);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
