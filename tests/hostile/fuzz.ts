import { rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { FakeClock } from "watchkeeper/testing";
import { callHash, canonicalJson } from "../../src/domain/canonical.ts";
import type { ApprovalRecord } from "../../src/store/port.ts";
import { keepWatch, type KeptWatch } from "../daemon/harness.ts";
import { buildStage, type Deed, type Stage } from "./stage.ts";
import { folderInMemory } from "../ground/folder-in-memory.ts";
import { now } from "./world.ts";

/** Approvals that are tampered with in the store's own file, after the owner's word. */

interface Bench extends AsyncDisposable {
  readonly kept: KeptWatch;
  readonly stage: Stage;
  readonly sql: Database.Database;
  /** The version that a tool of the stage has. */
  versionOf(tool: string): string;
}

async function openBench(): Promise<Bench> {
  const folder = await folderInMemory("watchkeeper-hostile-");
  const stage = buildStage(folder);
  const kept = await keepWatch({ folder, clock: new FakeClock(now), play: { tools: stage.tools } });
  const sql = new Database(join(folder, "state", "watchkeeper.db"));
  const versions = new Map(
    kept.watch.skills.flatMap(({ tools }) => tools.map(({ name, version }) => [name, version])),
  );
  return {
    kept,
    stage,
    sql,
    versionOf: (tool) => versions.get(tool) ?? "",
    async [Symbol.asyncDispose]() {
      sql.close();
      await kept[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Call {
  readonly tool: string;
  readonly version: string;
  readonly arguments: { readonly id: string; readonly to: string };
}

const effectOf = ({ tool }: Call) =>
  tool.startsWith("stage_destroy") ? ("destroy" as const) : ("send" as const);

async function askFor(call: Call, { kept }: Bench): Promise<number> {
  const { id } = await kept.store.addApproval({
    runId: null,
    tool: call.tool,
    toolVersion: call.version,
    arguments: call.arguments,
    argumentsHash: callHash(call),
    effect: effectOf(call),
    trust: "untrusted",
    reason: "it reaches somebody",
    createdAt: kept.clock.now(),
    expiresAt: kept.clock.now() + 86_400_000,
  });
  return id;
}

const approve = (id: number, { kept }: Bench, edited?: Edit): Promise<ApprovalRecord | undefined> =>
  kept.store.decideApproval(id, {
    ...{ decision: "approved", note: null, at: kept.clock.now() },
    ...(edited && { edited }),
  });

interface Edit {
  readonly arguments: unknown;
  readonly argumentsHash: string;
  readonly effect: "send" | "destroy";
}

/** What is written into the row instead: the arguments as JSON text, the tool, the version. */
interface Row {
  readonly json: string;
  readonly tool: string;
  readonly version: string;
}

const tools = ["stage_send_none", "stage_destroy_none"] as const;
const words = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 6 }));

function callOf(bench: Bench): fc.Arbitrary<Call> {
  const numbered = fc.nat().map((number) => `${number}`);
  return fc
    .record({ tool: fc.constantFrom(...tools), id: numbered, to: words })
    .map(({ tool, id, to }) => ({ tool, version: bench.versionOf(tool), arguments: { id, to } }));
}

/** No two the same: the very same call is put to the owner once. */
function sampleOf<Value>(
  arbitrary: fc.Arbitrary<Value>,
  count: number,
  callIn: (value: Value) => Call,
) {
  const found = new Map(
    fc
      .sample(arbitrary, { numRuns: Math.ceil(count * 1.1), seed: 7 })
      .map((value) => [shown(callIn(value).tool, callIn(value).arguments), value]),
  );
  return [...found.values()].slice(0, count);
}

/** Small changes, foreign keys, whole other values, and other ways to write the same. */
function changeOf(call: Call): fc.Arbitrary<Row> {
  const { tool, version, arguments: given } = call;
  const put = (value: unknown): string => JSON.stringify(value);
  const args = (json: fc.Arbitrary<string>) => json.map((text) => ({ json: text, tool, version }));
  const same = put(given);
  const { id, to } = given;
  return fc.oneof(
    args(words.map((other) => put({ ...given, to: other }))),
    args(words.map((other) => put({ ...given, to: to + other }))),
    args(words.map((other) => put({ ...given, id: other }))),
    args(words.map((place) => put({ ...given, place }))),
    args(words.map((other) => `{"id":${put(id)},"to":${put(to)},"to":${put(other)}}`)),
    args(fc.tuple(words, fc.jsonValue()).map(([key, value]) => put({ ...given, [key]: value }))),
    args(
      words.map((other) => `{"id":${put(id)},"to":${put(to)},"__proto__":{"to":${put(other)}}}`),
    ),
    args(fc.jsonValue().map((value) => put(value) ?? "null")),
    args(fc.constantFrom(put([given]), put({ id }), put({ to }), "{}", "null", put(same))),
    // The same in other words.
    args(fc.constantFrom(`{"to":${put(to)},"id":${put(id)}}`, JSON.stringify(given, null, 2))),
    fc
      .constantFrom("stage_send_ours", "stage_read_none", "stage_gone", "__proto__", "", ...tools)
      .map((other) => ({ json: same, tool: other, version })),
    words.map((other) => ({ json: same, tool, version: version + other })),
  );
}

/** Rows as the store has written the first, in one transaction instead of two for each. */
function copyApproval(id: number, calls: readonly Call[], { sql }: Bench): number[] {
  const copy = sql.prepare(`
    insert into approvals (tool, tool_version, arguments, arguments_hash, effect,
      trust, reason, status, created_at, expires_at, decided_at)
    select ?, ?, ?, ?, ?, trust, reason, status, created_at, expires_at, decided_at
    from approvals where id = ?`);
  const copyAll = sql.transaction(() =>
    calls.map((call) => {
      const json = JSON.stringify(call.arguments);
      const row = copy.run(call.tool, call.version, json, callHash(call), effectOf(call), id);
      return Number(row.lastInsertRowid);
    }),
  );
  return copyAll();
}

export interface FuzzResult {
  readonly changed: number;
  readonly unchanged: number;
  readonly done: number;
  /** Deeds that are not, to the byte, what was shown. */
  readonly wrong: readonly Deed[];
}

export async function fuzzApprovals(count: number): Promise<FuzzResult> {
  await using bench = await openBench();
  const pair = callOf(bench).chain((call) => changeOf(call).map((row) => ({ call, row })));
  const pairs = sampleOf(pair, count, ({ call }) => call);
  const [first, ...others] = pairs.map(({ call }) => call);
  if (!first) throw new Error("there is nothing to change");
  const firstId = await askFor(first, bench);
  await approve(firstId, bench);
  const ids = [firstId, ...copyApproval(firstId, others, bench)];
  const change = bench.sql.prepare(
    "update approvals set arguments = ?, tool = ?, tool_version = ? where id = ?",
  );
  bench.sql.transaction(() => {
    for (const [index, { row }] of pairs.entries()) {
      change.run(row.json, row.tool, row.version, ids[index]);
    }
  })();
  await bench.kept.watch.attendance.carryOutApproved();
  const same = pairs.filter(({ call, row }) => isSame(call, row)).map(({ call }) => call);
  const wanted = new Set(same.map((call) => shown(call.tool, call.arguments)));
  const deeds = bench.stage.deeds();
  // Taken away, so that what is done twice is wrong as well.
  const wrong = deeds.filter((deed) => !wanted.delete(shown(`stage_${deed.tool}`, deed.input)));
  const unchanged = same.length;
  return { changed: pairs.length - unchanged, unchanged, done: deeds.length, wrong };
}

const shown = (tool: string, given: unknown): string => `${tool} ${canonicalJson(given)}`;

const isSame = (call: Call, row: Row): boolean =>
  row.tool === call.tool &&
  row.version === call.version &&
  canonicalJson(JSON.parse(row.json)) === canonicalJson(call.arguments);

/** The owner's own edits, each with other arguments than were asked for. */
export async function fuzzEdits(count: number): Promise<{ edits: unknown[]; done: unknown[] }> {
  await using bench = await openBench();
  const calls = sampleOf(callOf(bench), count, (call) => call);
  const edits = calls.map((call) => {
    const { id, to } = call.arguments;
    return { ...call, arguments: { id, to: `${to}, edited` } };
  });
  for (const [index, call] of calls.entries()) {
    const id = await askFor(call, bench);
    const edited = edits[index] ?? call;
    const { arguments: given } = edited;
    const argumentsHash = callHash(edited);
    await approve(id, bench, { arguments: given, argumentsHash, effect: effectOf(edited) });
  }
  await bench.kept.watch.attendance.carryOutApproved();
  const done = bench.stage.deeds().map(({ input }) => input);
  return { edits: edits.map((call) => call.arguments), done };
}
