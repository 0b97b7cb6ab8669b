import { resolve } from "node:path";
import { StoreError } from "../../domain/errors.ts";
import {
  acquireLock,
  backUp,
  checkFile,
  isLocked,
  refuseSource,
  restore as putBack,
  type BackupStep,
} from "../../store/index.ts";
import { exit, nothingSaved, type CommandContext, type Terminal } from "../context.ts";
import { bytes, plural, table, wrap } from "../text.ts";
import { untilSignalled } from "../until-signalled.ts";

/** Care of the one file: copies, putting one back, and whether it is whole. */

export async function backup(context: CommandContext, file: string): Promise<number> {
  const { stateDir, out, err, json } = context;
  const progress = json ? undefined : progressOn(err);
  const summary = await untilSignalled(
    (signal) => backUp(stateDir, resolve(file), { signal, ...(progress && { progress }) }),
    "no backup was made",
  );
  const rows = summary.tables.reduce((sum, { rows: count }) => sum + count, 0);
  if (json) {
    const { file: written, bytes: size, tables } = summary;
    out.write(`${JSON.stringify({ file: written, bytes: size, rows, tables }, null, 2)}\n`);
  } else {
    const held = `${bytes(summary.bytes)}, ${plural(summary.tables.length, "table")}, ${plural(rows, "row")}`;
    out.write(`${summary.file}: ${held}; read back, and the same as the database.\n`);
  }
  return exit.done;
}

export async function restore(context: CommandContext, file: string): Promise<number> {
  const { stateDir, packageInfo, out, json } = context;
  refuseSource(stateDir, file);
  const lock = acquireLock(stateDir);
  if (!lock) {
    throw new StoreError("RESTORE_WHILE_RUNNING", `a daemon keeps watch with ${stateDir}`, {
      hint: "Stop it first; nothing was changed",
    });
  }
  try {
    const stamp = new Date()
      .toISOString()
      .replace(/[-:]|\..*/g, "")
      .replace("T", "-");
    const { migrationsDir } = packageInfo;
    const { kept, tables } = await untilSignalled(
      (signal) => putBack(stateDir, file, { migrationsDir, stamp, signal }),
      "the database is as it was",
    );
    const rows = tables.reduce((sum, { rows: count }) => sum + count, 0);
    if (json) out.write(`${JSON.stringify({ restored: resolve(file), kept, rows }, null, 2)}\n`);
    else {
      out.write(`Restored from ${resolve(file)}: ${plural(rows, "row")}.\n`);
      if (kept) out.write(`The database as it was is kept at ${kept}.\n`);
      out.write("`watchkeeper start` goes on from there.\n");
    }
    return exit.done;
  } finally {
    lock.release();
  }
}

export async function check(context: CommandContext): Promise<number> {
  const { stateDir, packageInfo, out, json } = context;
  const report = checkFile(stateDir, packageInfo);
  if (!report) throw nothingSaved(stateDir);
  const { damages } = report;
  const ok = damages.length === 0;
  if (json)
    out.write(`${JSON.stringify({ ok, running: isLocked(stateDir), ...report }, null, 2)}\n`);
  else {
    const rows = report.rows.map((each) => [each.table, String(each.rows)]);
    out.write(
      `${table([{ title: "table" }, { title: "rows", align: "right" }], rows, out.columns)}\n\n`,
    );
    const { file, bytes: size, freeBytes, logBytes } = report;
    const sizes = `${bytes(size)}, of which ${bytes(freeBytes)} free; ${bytes(logBytes)} in its log`;
    out.write(`${wrap(`${file}: ${sizes}`, out.columns, "  ")}\n`);
    for (const damage of damages) out.write(`${wrap(`damage: ${damage}`, out.columns, "  ")}\n`);
    out.write(
      ok
        ? "The file is whole.\n"
        : "The file is damaged. Stop the daemon, and put a backup in its place:\n`watchkeeper db restore FILE` keeps the damaged one beside it.\n",
    );
  }
  return ok ? exit.done : exit.failed;
}

/** Long work shows how far it is, on a terminal only. */
function progressOn(terminal: Terminal): ((step: BackupStep) => void) | undefined {
  if (!terminal.isTTY) return undefined;
  let shown = "";
  return (step) => {
    const text =
      step.step === "copy"
        ? `copying: ${Math.floor(step.share * 100)} %`
        : `reading back: ${step.table}`;
    if (text === shown) return;
    terminal.write(`\r${text.padEnd(shown.length)}`);
    shown = text;
    if (step.step === "copy" && step.share === 1) terminal.write("\n");
  };
}
