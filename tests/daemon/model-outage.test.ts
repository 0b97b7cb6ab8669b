import { describe, expect, test } from "vitest";
import type { ObservationInput } from "watchkeeper";
import {
  FakeClock,
  fault,
  reportAll,
  startScriptedModel,
  type ScriptedReply,
} from "watchkeeper/testing";
import { causeInWords, isOutage as isOutageKind } from "../../src/model/cause.ts";
import { faultCases, faultsAt } from "../model/fault-cases.ts";
import type { ModelFailureKind } from "../../src/model/port.ts";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";
import { gauge } from "./stage-tools.ts";

const minute = 60_000;
const well = reportAll("notify");
const outageTitle = "No model can be asked: ";
const isFailureKind = (word: string): word is ModelFailureKind => word in causeInWords;

interface Scene {
  readonly kept: KeptWatch;
  readonly observations: ObservationInput[];
  readonly requests: () => number;
  /** The same stage with a model that says something else from now on. */
  say(reply: ScriptedReply | "well"): void;
}

/** A check with something critical to see, and two models at one provider. */
async function play(
  said: ScriptedReply | "well",
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  let saying = said;
  await using model = await startScriptedModel((request, index) =>
    saying === "well" ? well(request, index) : saying,
  );
  const observations: ObservationInput[] = [seen("pump")];
  await using kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(faultsAt),
    model,
    config: { heartbeat: { every: "1m" } },
    play: {
      tools: { gauge },
      checks: { sight: { every: "1m", observe: async () => ({ observations }) } },
    },
  });
  await act({
    kept,
    observations,
    requests: () => model.requests.length,
    say: (next) => (saying = next),
  });
}

/** What was said of outages, but for the digest's line that one is still open. */
const outages = ({ printed }: KeptWatch) =>
  printed.filter((text) => text.includes(outageTitle) && !text.includes("Still open:"));

/** Passes beats until the first run has ended. */
async function passFirstRun(kept: KeptWatch, withinMs: number): Promise<void> {
  const patience = withinMs > minute ? "beats" : "all";
  for (let passed = 0; kept.runs.length === 0 && passed < 2 * withinMs + minute; passed += minute) {
    await kept.pass(minute, patience);
  }
  await kept.settle();
}

function expectNoBeatDelayed({ beats }: KeptWatch): void {
  expect(beats.length).toBeGreaterThan(1);
  for (const [index, { startedAt, finishedAt }] of beats.entries()) {
    expect(startedAt).toBe(faultsAt + index * minute);
    expect(finishedAt).toBe(startedAt);
  }
}

describe("a model that fails ends a run in its true cause; beats keep their time; the model is asked again", () => {
  test.each(faultCases)("%s", async (_name, { said, outcome, after, withinMs }) => {
    await play(said, async ({ kept, observations, requests, say }) => {
      await passFirstRun(kept, withinMs);
      const [run] = await kept.journal();
      expect(run?.outcome).not.toBe("ok");
      expect(run?.error).toBeTruthy();
      // Nothing was called, nor tried to: not even to be refused.
      expect(run!.steps.filter(({ kind }) => kind === "tool")).toEqual([]);
      if (isFailureKind(outcome)) expect(run!.error).toMatch(`${outcome}: claude-sonnet-5-5: `);
      const pump = (await kept.findings()).find(({ key }) => key === "pump");
      expect(pump).toMatchObject({ verdict: "notify", decidedBy: "rules" });
      const told = kept.printed.filter((text) => text.includes("pump needs a look"));
      expect(told).toHaveLength(1);
      const kind = run!.error!.split(":")[0] ?? "";
      const isOutage = isFailureKind(kind) && isOutageKind(kind);
      await kept.pass(2 * minute);
      expectNoBeatDelayed(kept);
      expect(outages(kept)).toHaveLength(isOutage ? 1 : 0);
      expect(await kept.store.pendingFindings(10)).toEqual([]);

      say("well");
      if (after !== "ready" && after !== "never") kept.clock.set(faultsAt + after.from);
      const before = requests();
      observations.push(seen("later", { severity: "warning" }));
      await kept.pass(minute);
      const later = (await kept.findings()).find(({ key }) => key === "later");
      if (after === "never") {
        expect(requests()).toBe(before);
        expect(later).toMatchObject({ verdict: "notify", decidedBy: "rules" });
        expect(kept.printed.at(-1)).toContain("the key was refused; it is not asked again");
        expect(outages(kept)).toHaveLength(1);
        return;
      }
      expect(kept.runs.at(-1)).toMatchObject({ outcome: "ok", error: null });
      expect(later).toMatchObject({ verdict: "notify", decidedBy: "model" });
      expect(outages(kept)).toHaveLength(isOutage ? 2 : 0);
      const about = (await kept.findings()).filter(({ check }) => check === "watchkeeper/model");
      expect(about).toMatchObject(
        isOutage ? [{ status: "resolved", trust: "trusted", decidedBy: "rules" }] : [],
      );
    });
  });
});

test("an outage of an hour is told once, and its end once, however many findings fall into it", async () => {
  await play(fault.status(529), async ({ kept, observations, requests, say }) => {
    for (let beat = 0; beat < 60; beat += 1) {
      observations.push(seen(`news ${beat}`, { severity: "notice" }));
      await kept.pass(minute);
    }
    expect(outages(kept)).toHaveLength(1);
    expect(outages(kept)[0]).toContain("the provider is overloaded or failing");
    // Three attempts each at first, then one trial a minute for each at the most.
    expect(requests()).toBeLessThanOrEqual(2 * (5 + 60));
    say("well");
    observations.push(seen("the last"));
    await kept.pass(2 * minute);
    expect(kept.runs.at(-1)).toMatchObject({ outcome: "ok" });
    expect(outages(kept)).toHaveLength(2);
    expectNoBeatDelayed(kept);
  });
});

test("an outage that a daemon left open is over with the first reply that the next one gets", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock(faultsAt);
  const observations = [seen("pump")];
  const stage = { checks: { sight: { every: "1m", observe: async () => ({ observations }) } } };
  const open = (model: Awaited<ReturnType<typeof startScriptedModel>>) =>
    keepWatch({ folder: folder.path, clock, model, play: stage });
  {
    await using model = await startScriptedModel(() => fault.status(401));
    await using kept = await open(model);
    await kept.pass(minute);
    expect(outages(kept)).toHaveLength(1);
  }
  observations.push(seen("later"));
  await using model = await startScriptedModel(well);
  await using kept = await open(model);
  await kept.pass(minute);
  expect(kept.runs).toMatchObject([{ outcome: "ok" }]);
  expect(outages(kept)).toHaveLength(1);
  expect(
    (await kept.findings()).filter(({ check }) => check === "watchkeeper/model"),
  ).toMatchObject([{ status: "resolved" }]);
});

test("a failed model call is recorded on its step, with every model that was tried", async () => {
  await play(fault.status(500), async ({ kept }) => {
    await kept.pass(5_000);
    const [run] = await kept.journal();
    expect(run!.steps).toMatchObject([{ kind: "model", output: null }]);
    expect(run!.steps[0]!.error).toMatch(
      /^overloaded: claude-sonnet-5-5: overloaded: HTTP 500.*\(3 attempts\); claude-haiku-5-5: overloaded: HTTP 500.*\(3 attempts\)$/,
    );
    expect(run!.error).toBe(run!.steps[0]!.error);
    expect(run!.steps[0]!.durationMs).toBe(3_000);
  });
});
