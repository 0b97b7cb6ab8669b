import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { freeDemoPort } from "../../demo/index.ts";
import { loadConfigFor, type CommandContext } from "../context.ts";
import { keepWatch } from "./start.ts";

/** The real daemon with the real skills over the small world that the project ships. */
export async function demo(context: CommandContext, options: { dir?: string }): Promise<number> {
  const { packageInfo, err } = context;
  const dir = options.dir
    ? resolve(options.dir)
    : join(tmpdir(), `watchkeeper-demo-${userInfo().uid}`);
  const file = join(packageInfo.root, "dist", "demo.config.js");
  // The demo's config reads it: a demo or daemon that has the usual port goes on undisturbed.
  process.env.WATCHKEEPER_DEMO_PORT ??= String(await freeDemoPort());
  const config = await loadConfigFor({ ...context, configFile: file }, { baseDir: dir });
  // So is one that has the page's usual port.
  const web = config.web && { ...config.web, port: 0 };
  err.write(`The demo's world and state are kept in ${dir}. Ctrl-C ends it.\n`);
  return keepWatch(
    { ...context, configFile: file, stateDir: join(dir, "state") },
    { ...config, web },
    "info",
  );
}
