import fc from "fast-check";
import { expect, it } from "vitest";
import { severities } from "../domain/finding.ts";
import { openStore, type Look, type Store } from "./index.ts";
import {
  failed,
  migrationsDir,
  observation,
  registerUsualChecks,
  seen,
  temporaryStateDir,
} from "./store-fixture.ts";

/** One thing that may happen to a store; the time comes from its place in the sequence. */
type Move =
  | { readonly kind: "looks"; readonly looks: readonly ((at: number) => Look)[] }
  | { readonly kind: "ack" | "snooze"; readonly findingId: number }
  | { readonly kind: "judge" };

const checkName = fc.constantFrom("web/api", "web/shop");
const key = fc.constantFrom("a", "b", "c");

const observations = fc.array(
  fc.record({
    key,
    severity: fc.constantFrom(...severities),
    title: fc.constantFrom("one", "two"),
    lasts: fc.option(fc.integer({ min: -5, max: 30 })),
  }),
  { maxLength: 4 },
);

const look = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        check: checkName,
        observations,
        complete: fc.boolean(),
        gone: fc.array(key, { maxLength: 2 }),
        cursor: fc.option(fc.nat(), { nil: undefined }),
      })
      .map(({ check, observations: things, ...rest }) => (at: number): Look => {
        const now = things.map(({ key: name, lasts, ...changes }) => {
          const closesAt = lasts === null ? null : at + lasts;
          return observation(name, { ...changes, closesAt });
        });
        return seen(check, at, now, rest);
      }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ check: checkName, blind: fc.boolean() }).map(
      ({ check, blind }) =>
        (at: number): Look =>
          failed(check, at, blind ? { title: "blind", text: "so it is" } : null),
    ),
  },
  {
    weight: 1,
    // One that cannot be saved: it must leave no trace in either store.
    arbitrary: checkName.map((check) => (at: number): Look => ({
      ...seen(check, at, [observation("a")]),
      beatId: 99,
    })),
  },
);

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(look, { minLength: 1, maxLength: 3 })
      .map((looks) => ({ kind: "looks", looks }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("ack" as const, "snooze" as const),
      findingId: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "judge" } as const) },
);

async function make(store: Store, moved: Move, at: number): Promise<unknown> {
  switch (moved.kind) {
    case "looks": {
      const outcomes = await store.commitLooks(moved.looks.map((lookAt) => lookAt(at)));
      await store.closeOver(at);
      await store.wakeSnoozed(at);
      return outcomes;
    }
    case "ack":
      return store.acknowledge(moved.findingId, at);
    case "snooze":
      return store.snooze(moved.findingId, at + 20);
    case "judge": {
      const pending = await store.pendingFindings(100);
      const verdicts = pending.map(({ id, revision }) => ({
        ...({ findingId: id, revision, verdict: "notify", decidedBy: "rules" } as const),
        ...{ message: null, told: true },
      }));
      return store.applyVerdicts({ at, verdicts, notifications: [] });
    }
  }
}

async function everythingIn(store: Store) {
  const { checks } = await store.status();
  return {
    checks,
    findings: await store.listFindings({ all: true, limit: 1_000 }),
    known: await Promise.all(checks.map(({ name }) => store.knownObservations(name))),
    cursors: await Promise.all(checks.map(({ name }) => store.checkCursor(name))),
    beat: await store.getBeat(1),
  };
}

function expectOneUnresolvedPerKey(
  findings: readonly { check: string; key: string; status: string }[],
) {
  const open = findings.filter(({ status }) => status !== "resolved");
  const names = open.map(({ check, key: name }) => `${check} ${name}`);
  expect(new Set(names).size).toBe(names.length);
}

async function fresh(stateDir: string): Promise<Store> {
  const store = openStore({ stateDir, migrationsDir });
  await registerUsualChecks(store);
  await store.beginBeat({ trigger: "schedule", at: 0 });
  return store;
}

it("knows the same after any looks, however often it was opened anew, and no key twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(move, fc.boolean()), { minLength: 1, maxLength: 14 }),
      async (moves) => {
        const [oneDir, otherDir] = [temporaryStateDir(), temporaryStateDir()];
        await using steady = await fresh(oneDir);
        let reopened = await fresh(otherDir);
        try {
          for (const [index, [moved, reopen]] of moves.entries()) {
            const at = (index + 1) * 10;
            const outcome = await make(steady, moved, at);
            expect(await make(reopened, moved, at)).toEqual(outcome);
            if (reopen) {
              await reopened[Symbol.asyncDispose]();
              reopened = openStore({ stateDir: otherDir, migrationsDir });
            }
            const state = await everythingIn(steady);
            expect(await everythingIn(reopened)).toEqual(state);
            expectOneUnresolvedPerKey(state.findings);
            for (const finding of state.findings) {
              expect(finding.handledRevision).toBeLessThanOrEqual(finding.revision);
              expect(finding.status === "resolved").toBe(finding.resolvedAt !== null);
            }
          }
        } finally {
          await reopened[Symbol.asyncDispose]();
        }
      },
    ),
    { numRuns: 40 },
  );
});
