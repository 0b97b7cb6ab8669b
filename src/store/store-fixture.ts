import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { Observation } from "../domain/finding.ts";
import { databasePath } from "./database.ts";
import {
  openStore,
  type FindingEvent,
  type Look,
  type LookOutcome,
  type LookResult,
  type Store,
} from "./index.ts";

/** A real store in a temporary directory, and looks to put into it. */

export const migrationsDir = fileURLToPath(new URL("../../migrations", import.meta.url));

/** A state directory that does not exist yet and is removed after the test. */
export function temporaryStateDir(): string {
  const parent = mkdtempSync(join(tmpdir(), "watchkeeper-store-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, "state");
}

export interface StoreAtHand {
  readonly store: Store;
  readonly stateDir: string;
  /** A connection beside the store's, to plant what no store would write and to see what it wrote. */
  readonly sql: Database.Database;
}

/** With the checks `mail/work`, `web/api` and `web/shop` registered, and one beat begun: id 1. */
export async function openTemporaryStore(): Promise<StoreAtHand> {
  const stateDir = temporaryStateDir();
  const store = openStore({ stateDir, migrationsDir });
  const sql = new Database(databasePath(stateDir));
  onTestFinished(async () => {
    sql.close();
    await store[Symbol.asyncDispose]();
  });
  await registerUsualChecks(store);
  await store.beginBeat({ trigger: "schedule", at: 0 });
  return { store, stateDir, sql };
}

const usualChecks = ["mail/work", "web/api", "web/shop"];

export const registerUsualChecks = (store: Store) =>
  store.registerChecks(
    usualChecks.map((name) => ({ name, skill: skillOf(name), schedule: "every 1m" })),
    { at: 0, keepSkills: [] },
  );

const skillOf = (check: string): string => check.split("/")[0] ?? "";

export function observation(key: string, changes: Partial<Observation> = {}): Observation {
  const title = changes.title ?? `title of ${key}`;
  return {
    key,
    severity: "notice",
    title,
    text: null,
    data: null,
    trust: "untrusted",
    fingerprint: title,
    closesAt: null,
    since: null,
    ...changes,
  };
}

export function seen(
  check: string,
  at: number,
  observations: readonly Observation[],
  rest: Partial<Extract<LookResult, { kind: "seen" }>> = {},
): Look {
  return lookOf(check, at, {
    kind: "seen",
    observations,
    complete: false,
    gone: [],
    cursor: undefined,
    ...rest,
  });
}

export function failed(check: string, at: number, blind: Look["blind"] = null): Look {
  const look = lookOf(check, at, { kind: "failed", error: "no answer" });
  const failing = { status: "failing", consecutiveFailures: 1, failingSince: at } as const;
  return { ...look, blind, health: { ...look.health, ...failing, lastOkAt: null } };
}

function lookOf(check: string, at: number, result: LookResult): Look {
  return {
    beatId: 1,
    check,
    skill: skillOf(check),
    at,
    health: {
      status: "ok",
      consecutiveFailures: 0,
      failingSince: null,
      lastOkAt: at,
      nextDueAt: at + 60_000,
    },
    result,
    blind: null,
  };
}

/** The events of looks that must all be saved. */
export async function commit(store: Store, ...looks: readonly Look[]): Promise<FindingEvent[]> {
  const outcomes = await store.commitLooks(looks);
  return outcomes.flatMap((outcome: LookOutcome) => {
    if ("error" in outcome) throw new Error(`${outcome.check} was not saved: ${outcome.error}`);
    return outcome.events;
  });
}

/** What happened, as short lines: `opened 1`. */
export const said = (events: readonly FindingEvent[]): string[] =>
  events.map(({ state, findingId, news }) => `${state} ${findingId}${news ? "" : " quietly"}`);
