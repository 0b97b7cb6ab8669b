import { join } from "node:path";
import { standingOrdersFile } from "../../memory/owner-file.ts";
import { prepareStateDir } from "../../store/database.ts";
import { configText } from "./config-text.ts";
import { dotEnvAddition, dotEnvText, missingLines } from "./dotenv-text.ts";
import { writeAllNew, type Outcome } from "./new-files.ts";
import type { Places } from "./places.ts";
import type { Setup } from "./setup.ts";
import { standingOrdersText } from "./standing-orders-text.ts";

/** A file, and the names of the secrets that were added at its end. */
export interface Written extends Outcome {
  readonly added?: readonly string[];
}

/** @param setup undefined when nobody was asked */
export function writeSetup(found: Places, setup: Setup | undefined): readonly Written[] {
  const { configFile, dotEnvFile, stateDir, known, dotEnvText: existing } = found;
  const missing = setup === undefined ? [] : missingLines(setup.secrets, known);
  const isAdded = existing !== undefined && missing.length > 0;
  const addition = isAdded ? dotEnvAddition(missing, existing) : "";
  prepareStateDir(stateDir);
  const outcomes = writeAllNew(
    [
      // What needs the secrets comes after them.
      { path: dotEnvFile, text: dotEnvText(missing), mode: 0o600 },
      { path: configFile, text: configText(setup), mode: 0o644 },
      { path: join(stateDir, standingOrdersFile), text: standingOrdersText, mode: 0o600 },
    ],
    isAdded
      ? {
          path: dotEnvFile,
          text: addition,
          size: Buffer.byteLength(existing),
        }
      : undefined,
  );
  const [dotEnv, config, orders] = outcomes as [Outcome, Outcome, Outcome];
  const added = missing.map(({ name }) => name);
  return [config, isAdded ? { ...dotEnv, added } : dotEnv, orders];
}
