import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterFailedDelivery, working } from "./channel-health.ts";
import {
  attemptAt,
  decideDeliveries,
  deliveryStates,
  nextAttemptAt,
  type Delivery,
  type DeliveryChannel,
  type DeliveryInput,
} from "./delivery.ts";
import { severities } from "./finding.ts";

const now = 1_000_000_000;
const minute = 60_000;
const hour = 60 * minute;

const channel = (name: string, changes: Partial<DeliveryChannel> = {}): DeliveryChannel => ({
  ...working,
  ...{ name, use: "always", severity: "info" },
  ...changes,
});
const fallback = (name: string, changes: Partial<DeliveryChannel> = {}) =>
  channel(name, { use: "fallback", ...changes });
const lastResort = channel("terminal", { use: "last-resort" });

let ids = 0;
const delivery = (of: string, changes: Partial<Delivery> = {}): Delivery => ({
  ...{ id: (ids += 1), channel: of, state: "waiting", attempts: 0 },
  ...{ plannedAt: now - minute, updatedAt: now - minute, nextAt: null },
  ...changes,
});
/** Tried so often, and to be tried again later. */
const failed = (of: string, attempts = 1, changes: Partial<Delivery> = {}): Delivery =>
  delivery(of, { state: "failed", attempts, nextAt: now + 1, ...changes });

const decide = (input: Partial<DeliveryInput>) =>
  decideDeliveries({
    ...{ severity: "warning", deliveries: [], channels: [], refused: new Set(), now },
    ...input,
  });

describe("a new message goes to", () => {
  const ntfy = channel("ntfy");
  const loud = channel("sms", { severity: "critical" });
  const channels = [ntfy, loud, fallback("email"), lastResort];
  test.each([
    [
      "every channel whose severity it reaches",
      { severity: "critical", channels },
      ["ntfy", "sms"],
    ],
    ["no other", { severity: "warning", channels }, ["ntfy"]],
    [
      "the first fallback when it reaches none",
      { severity: "notice", channels: [loud, fallback("email"), fallback("chat"), lastResort] },
      ["email"],
    ],
    [
      "the last resort when there is no other",
      { severity: "notice", channels: [loud, fallback("x", { severity: "warning" }), lastResort] },
      ["terminal"],
    ],
    ["the last resort when there is nothing", { channels: [lastResort] }, ["terminal"]],
    ["a channel all the same when none is meant for it", { channels: [loud] }, ["sms"]],
    [
      "no channel that it says is down",
      { channels: [ntfy, channel("chat"), lastResort], avoid: new Set(["ntfy"]) },
      ["chat"],
    ],
    [
      "the last resort when the only channel is down",
      { channels: [ntfy, lastResort], avoid: new Set(["ntfy"]) },
      ["terminal"],
    ],
  ] as const)("%s", (_, input, plan) => {
    expect(decide(input)).toEqual({ plan, end: [], settle: null, doubt: null });
  });
});

describe("the next channel takes over", () => {
  const channels = [channel("ntfy"), fallback("email"), fallback("chat"), lastResort];
  const asked = channel("ntfy", { restUntil: now + 1, leaveUntil: now + 1 });
  test.each([
    ["a critical message: after the first failure", "critical", [failed("ntfy")], ["email"]],
    ["a critical message that is tried now: not yet", "critical", [delivery("ntfy")], []],
    ["a warning: not after the first failure", "warning", [failed("ntfy", 1)], []],
    ["a warning: nor the second", "warning", [failed("ntfy", 2)], []],
    ["a warning: after the third", "warning", [failed("ntfy", 3)], ["email"]],
    [
      "a warning that waits for five minutes",
      "warning",
      [failed("ntfy", 1, { plannedAt: now - 5 * minute })],
      ["email"],
    ],
    [
      "what is tried now may be delivered now, however old it is",
      "warning",
      [failed("ntfy", 9, { plannedAt: now - hour, nextAt: now })],
      [],
    ],
    [
      "what is under way is waited for",
      "critical",
      [delivery("ntfy", { state: "sending", attempts: 4, plannedAt: now - hour })],
      [],
    ],
    [
      "when the fallback fails too, the next one",
      "critical",
      [failed("ntfy"), failed("email")],
      ["chat"],
    ],
    [
      "a fallback has its own time",
      "warning",
      [failed("ntfy", 9, { plannedAt: now - hour }), failed("email", 1)],
      [],
    ],
    [
      "at the end the last resort",
      "critical",
      [failed("ntfy"), failed("email"), failed("chat")],
      ["terminal"],
    ],
  ] as const)("%s", (_, severity, deliveries, plan) => {
    expect(decide({ severity, deliveries, channels })).toMatchObject({
      plan,
      end: [],
      settle: null,
    });
  });

  test("at once for what was refused", () => {
    const refusal = failed("ntfy");
    const refused = new Set([refusal.id]);
    expect(decide({ deliveries: [refusal], channels, refused }).plan).toEqual(["email"]);
  });

  test("for a critical message that a server does not want to hear yet", () => {
    const input = { severity: "critical", deliveries: [delivery("ntfy")] } as const;
    expect(decide({ ...input, channels: [asked, ...channels.slice(1)] }).plan).toEqual(["email"]);
  });

  test("not while another of the owner's has the message", () => {
    const deliveries = [failed("ntfy", 9), delivery("slack", { state: "sent" })];
    const both = [channel("slack"), ...channels];
    expect(decide({ severity: "critical", deliveries, channels: both })).toMatchObject({
      plan: [],
    });
  });

  test("but the last resort's word does not count: the others are still tried", () => {
    const deliveries = [failed("ntfy", 9), delivery("terminal", { state: "sent" })];
    const alone = [channel("ntfy"), lastResort];
    expect(decide({ deliveries, channels: alone })).toEqual({
      ...{ plan: [], end: [], settle: null, doubt: null },
    });
  });

  test("leaves the first channel in peace once it has delivered", () => {
    const deliveries = [failed("ntfy", 3), delivery("email", { state: "sent" })];
    expect(decide({ deliveries, channels })).toEqual({
      ...{ plan: [], settle: "delivered", doubt: null },
      end: [{ id: deliveries[0]?.id, state: "handed-on" }],
    });
  });

  test("is left in peace when the first channel was faster", () => {
    const deliveries = [delivery("ntfy", { state: "sent" }), failed("email")];
    expect(decide({ deliveries, channels }).end).toEqual([
      { id: deliveries[1]?.id, state: "handed-on" },
    ]);
  });
});

describe("a channel that is no longer in the config", () => {
  test.each([
    ["hands on to what was added since", [channel("chat"), fallback("email")], ["chat"]],
    ["hands on to the first fallback", [fallback("email"), lastResort], ["email"]],
    ["hands on to the last resort", [lastResort], ["terminal"]],
  ] as const)("%s", (_, channels, plan) => {
    const old = failed("ntfy");
    expect(decide({ deliveries: [old], channels })).toEqual({
      ...{ plan, end: [{ id: old.id, state: "handed-on" }], settle: null, doubt: null },
    });
  });

  test("hands on to nobody when another channel has the message", () => {
    const deliveries = [failed("ntfy"), delivery("chat", { state: "sent" })];
    expect(decide({ deliveries, channels: [channel("chat"), lastResort] })).toMatchObject({
      ...{ plan: [], settle: "delivered" },
    });
  });

  test("cannot be asked what became of an attempt", () => {
    const cut = delivery("ntfy", { state: "sending", attempts: 1 });
    expect(decide({ deliveries: [cut], channels: [channel("chat"), lastResort] })).toEqual({
      ...{ plan: [], end: [{ id: cut.id, state: "unknown" }], settle: "untold", doubt: "may" },
    });
  });
});

describe("what may have arrived", () => {
  const unknown = delivery("ntfy", { state: "unknown", attempts: 1 });
  const channels = [channel("ntfy"), channel("slack"), fallback("email"), lastResort];

  test("is not handed on, but doubted", () => {
    expect(decide({ severity: "critical", deliveries: [unknown], channels })).toEqual({
      ...{ plan: [], end: [], settle: "untold", doubt: "may" },
    });
  });

  test("is not doubted when another channel has it", () => {
    const deliveries = [unknown, delivery("slack", { state: "sent" })];
    expect(decide({ deliveries, channels })).toMatchObject({ settle: "delivered", doubt: null });
  });

  test("is not doubted as long as another channel is about to have it", () => {
    const deliveries = [unknown, failed("slack", 1)];
    expect(decide({ deliveries, channels })).toMatchObject({ settle: null, doubt: null });
    const stuck = [unknown, failed("slack", 3)];
    expect(decide({ deliveries: stuck, channels })).toMatchObject({ plan: ["email"], doubt: null });
  });

  test("is doubted once the others hang, though they are still tried", () => {
    const deliveries = [unknown, failed("slack", 3)];
    const alone = channels.slice(0, 2);
    expect(decide({ deliveries, channels: alone })).toMatchObject({ settle: null, doubt: "may" });
  });
});

describe("giving up", () => {
  const both = [channel("ntfy"), channel("slack"), lastResort];
  const old = { plannedAt: now - 25 * hour };
  test.each([
    [
      "after a day of failures",
      failed("ntfy", 50, { ...old, updatedAt: now - minute }),
      "given-up",
    ],
    ["not before", failed("ntfy", 50, { plannedAt: now - 23 * hour, updatedAt: now }), null],
    [
      "not before one more attempt, when the machine slept for a day",
      failed("ntfy", 1, { ...old, updatedAt: now - 24.9 * hour }),
      null,
    ],
    ["not what was never tried, however old", delivery("ntfy", old), null],
  ] as const)("%s", (_, one, state) => {
    const deliveries = [one, delivery("slack", { state: "sent" })];
    const { end } = decide({ deliveries, channels: both });
    expect(end.map((each) => each.state)).toEqual(state === null ? [] : [state]);
  });

  test("also what stood behind others all that day", () => {
    const channels = [channel("ntfy", { lastFailedAt: now }), lastResort];
    const deliveries = [delivery("ntfy", old), delivery("terminal", { state: "sent" })];
    expect(decide({ deliveries, channels })).toMatchObject({
      ...{ end: [{ state: "given-up" }], settle: "delivered" },
    });
  });

  test("says so when nobody has it", () => {
    const deliveries = [failed("terminal", 50, { ...old, updatedAt: now })];
    expect(decide({ deliveries, channels: [lastResort] })).toMatchObject({
      ...{ plan: [], settle: "untold", doubt: "not" },
    });
  });
});

describe("an attempt is due", () => {
  const at = (
    of: Partial<Delivery>,
    health: { restUntil?: number; leaveUntil?: number } = {},
    severity: "critical" | "warning" = "warning",
  ) => attemptAt(delivery("ntfy", of), { ...working, ...health }, { severity, now });
  const failing = { state: "failed", attempts: 1 } as const;
  test.each([
    ["at once when it is new", at({}), 0],
    ["when its own wait is over", at({ ...failing, nextAt: now + 5 }), now + 5],
    ["when its channel has rested", at({}, { restUntil: now + 9 }), now + 9],
    ["at once when it is critical and new", at({}, { restUntil: now + 9 }, "critical"), 0],
    ["but not when the server asked", at({}, { leaveUntil: now + 9 }, "critical"), now + 9],
    [
      "later when it is critical and failed",
      at(failing, { restUntil: now + 9 }, "critical"),
      now + 9,
    ],
    ["at once where a clock was set back", at({ ...failing, nextAt: now + 99 * hour }), now],
    [
      "at once to find out what a kill cut off",
      at({ state: "sending" }, { restUntil: now + 9 }),
      now,
    ],
  ])("%s", (_, due, expected) => {
    expect(due).toBe(expected);
  });
});

test("from the third attempt on a message waits for longer than its channel rests", () => {
  const failure = { now, retryable: true, retryAt: undefined };
  let health = working;
  for (let attempts = 1; attempts <= 5; attempts += 1) {
    health = afterFailedDelivery(health, failure);
    const waits = nextAttemptAt(attempts, failure);
    if (attempts < 3) expect(waits).toBe(health.restUntil);
    else expect(waits).toBeGreaterThan(health.restUntil);
  }
  expect(nextAttemptAt(1, { ...failure, retryable: false })).toBe(now + 30 * minute);
  expect(nextAttemptAt(1, { ...failure, retryAt: now + 99 * hour })).toBe(now + hour);
});

describe("whatever has happened", () => {
  const names = ["a", "b", "c", "terminal", "gone"];
  const anyDelivery = fc.record({
    state: fc.constantFrom(...deliveryStates),
    attempts: fc.integer({ min: 0, max: 60 }),
    plannedAt: fc.integer({ min: now - 48 * hour, max: now + hour }),
    updatedAt: fc.integer({ min: now - 48 * hour, max: now + hour }),
    nextAt: fc.option(fc.integer({ min: now - hour, max: now + 3 * hour })),
  });
  const anyChannel = fc.record({
    use: fc.constantFrom("always" as const, "fallback" as const),
    severity: fc.constantFrom(...severities),
    restUntil: fc.integer({ min: 0, max: now + hour }),
    leaveUntil: fc.integer({ min: 0, max: now + hour }),
    lastFailedAt: fc.option(fc.integer({ min: now - 48 * hour, max: now })),
  });
  const anyInput = fc
    .record({
      severity: fc.constantFrom(...severities),
      deliveries: fc.array(anyDelivery, { maxLength: 5 }),
      channels: fc.array(anyChannel, { maxLength: 3 }),
    })
    .map(({ severity, deliveries, channels }): DeliveryInput => ({
      ...{ severity, now, refused: new Set() },
      deliveries: deliveries.map((one, index) => ({
        ...one,
        id: index,
        channel: names[index] ?? "",
      })),
      channels: [...channels.map((one, index) => channel(names[index] ?? "", one)), lastResort],
    }));

  test("no channel is given a message twice, and nothing that is over is begun anew", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { plan, end } = decideDeliveries(input);
        const given = input.deliveries.map((one) => one.channel);
        expect(plan.filter((name) => given.includes(name))).toEqual([]);
        expect(new Set(plan).size).toBe(plan.length);
        for (const { id } of end) {
          expect(["waiting", "failed", "sending"]).toContain(input.deliveries[id]?.state);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a message is settled exactly when nothing is tried any more, and by what its channels have", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { plan, end, settle, doubt } = decideDeliveries(input);
        const ended = new Set(end.map(({ id }) => id));
        const isTried = input.deliveries.some(
          ({ id, state }) => ["waiting", "failed", "sending"].includes(state) && !ended.has(id),
        );
        expect(settle === null).toBe(isTried || plan.length > 0);
        const isSent = input.deliveries.some(({ state }) => state === "sent");
        if (settle !== null) expect(settle).toBe(isSent ? "delivered" : "untold");
        if (settle === "untold") expect(doubt).not.toBeNull();
        if (isSent && settle !== null) expect(doubt).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test("deciding again after what was decided changes nothing more without time passing", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        let { deliveries } = input;
        for (let round = 0; round < 10; round += 1) {
          const { plan, end, settle } = decideDeliveries({ ...input, deliveries });
          if (plan.length + end.length === 0 || settle !== null) return;
          deliveries = [
            ...deliveries.map((one) => ({ ...one, ...end.find(({ id }) => id === one.id) })),
            ...plan.map((name, index) =>
              delivery(name, { id: 100 + 10 * round + index, plannedAt: now }),
            ),
          ];
        }
        throw new Error("it does not end");
      }),
      { numRuns: 2_000 },
    );
  });
});
