import { expect, test } from "vitest";
import type { ObservationInput } from "watchkeeper";
import { FakeClock, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder, type KeptWatch, type WatchOptions } from "./harness.ts";

/** What the owner hears of a trouble from its beginning to its end, with the whole daemon. */

const minute = 60_000;

/** A check that sees what is in the map, and whose findings are over when it is not. */
function world(every = "10m") {
  const sights = new Map<string, ObservationInput>();
  const observe = async () => ({ observations: [...sights.values()], complete: true as const });
  return {
    show: (key: string, options: Partial<ObservationInput> = {}) =>
      sights.set(key, seen(key, options)),
    hide: (key: string) => sights.delete(key),
    play: { checks: { sight: { every, observe } } },
  };
}

type Setting = Partial<Omit<WatchOptions, "clock" | "folder">> & { readonly start: string };

async function setting({ start, config = {}, ...rest }: Setting) {
  const folder = await temporaryFolder();
  const clock = new FakeClock(start);
  const options = {
    ...{ folder: folder.path, clock, ...rest },
    config: { heartbeat: { every: "10m" }, ...config },
  };
  return {
    clock,
    open: () => keepWatch(options),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Lets it be that time, and what is due then happen: hours go by as they do with the lid closed. */
async function at(kept: KeptWatch, time: string): Promise<void> {
  kept.clock.set(`${time}:00Z`);
  // Timers are no longer than 20 s, and what is due a moment later is waited for as well.
  await kept.pass(40_000);
}

/** Each message's first line. */
const heads = ({ printed }: KeptWatch): string[] =>
  printed.map((text) => text.trim().split("\n")[0] ?? "");

test("a critical trouble of two days is one conversation, also over a restart", async () => {
  const { show, hide, play } = world();
  await using place = await setting({ start: "2026-01-05T09:00:00Z", play });
  const said: string[] = [];
  {
    await using kept = await place.open();
    show("pump", { title: "the pump leaks" });
    for (const time of ["09:10", "10:09", "10:10", "11:30", "12:11", "15:00", "18:12"]) {
      await at(kept, `2026-01-05T${time}`);
    }
    said.push(...heads(kept));
    expect(kept.printed[1]).toContain("said once before");
    expect(kept.printed[1]).toContain("watchkeeper findings ack 1");
    expect(kept.printed[3]).toContain("said 3 times before");
  }
  // Down when the fourth one is due, and back long after it: it is said once, and nothing twice.
  place.clock.set("2026-01-06T15:00:00Z");
  {
    await using kept = await place.open();
    await at(kept, "2026-01-06T18:00");
    await at(kept, "2026-01-07T15:01");
    said.push(...heads(kept));
  }
  {
    await using kept = await place.open();
    hide("pump");
    await at(kept, "2026-01-07T16:10");
    said.push(...heads(kept));
    expect(kept.printed.at(-1)).toContain("over, and you were told that it began");
  }
  expect(said).toEqual([
    "09:10 !! critical: the pump leaks",
    "10:10 !! critical: Still open after 1h: the pump leaks",
    "12:11 !! critical: Still open after 3h 1m: the pump leaks",
    "18:12 !! critical: Still open after 9h 2m: the pump leaks",
    "15:00 !! critical: Still open after 1d 5h: the pump leaks",
    "15:01 !! critical: Still open after 2d 5h: the pump leaks",
    "16:10 ok: Over after 2d 7h: the pump leaks",
  ]);
});

test("a reminder whose delivery a kill cut off is delivered, and not made again", async () => {
  const { show, play } = world();
  await using place = await setting({ start: "2026-01-05T09:00:00Z", play });
  let before: KeptWatch;
  {
    await using kept = await place.open();
    before = kept;
    show("pump");
    await at(kept, "2026-01-05T09:10");
    // As a kill leaves it: planned and marked in one write, and nobody has delivered it.
    place.clock.set("2026-01-05T10:09:00Z");
    await kept.store.applyVerdicts({
      at: place.clock.now(),
      verdicts: [],
      notifications: [
        {
          ...{ kind: "reminder", state: "ready", findings: [1], severity: "critical" },
          ...{ title: "Still open", body: "", why: "", dueAt: 0 },
          tellings: [{ findingId: 1, kind: "reminder", state: "opened", severity: "critical" }],
        },
      ],
    });
  }
  await using kept = await place.open();
  await at(kept, "2026-01-05T11:00");
  expect([...heads(before), ...heads(kept)]).toEqual([
    "09:10 !! critical: pump needs a look",
    "10:09 !! critical: Still open",
  ]);
});

test("a warning that stays open is one line in the digest of each day", async () => {
  const { show, hide, play } = world("1h");
  show("fence", { severity: "warning", title: "the fence is down" });
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    config: { heartbeat: { every: "1h" }, notify: { digestAt: ["08:30", "17:00"] } },
  });
  await using kept = await place.open();
  for (const day of ["05", "06", "07"]) {
    for (const time of ["08:31", "17:01"]) {
      if (day !== "05" || time === "17:01") await at(kept, `2026-01-${day}T${time}`);
    }
  }
  expect(heads(kept)).toEqual([
    "09:00 ! warning: the fence is down",
    "08:31 ! warning: Digest: 1 still open",
    "08:31 ! warning: Digest: 1 still open",
  ]);
  expect(kept.printed[1]).toContain("warning: the fence is down, for 23h 31m, said once before");
  expect(kept.printed[2]).toContain("for 1d 23h, said 2 times before");
  hide("fence");
  await at(kept, "2026-01-08T08:31");
  expect(heads(kept).slice(3)).toEqual(["08:31 ok: Over after 2d 23h: the fence is down"]);
});

test("what comes and goes is told three times, and then in the digest", async () => {
  const { show, hide, play } = world("1m");
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    config: {
      heartbeat: { every: "1m" },
      notify: { digestAt: "12:00", interruptionsPerDay: 50 },
    },
  });
  await using kept = await place.open();
  for (const time of ["09:05", "09:15", "09:25", "09:35", "09:45"]) {
    show("gate", { severity: "warning" });
    await at(kept, `2026-01-05T${time}`);
    hide("gate");
    await at(kept, `2026-01-05T${time.replace(/5$/, "9")}`);
  }
  const three = ["09:05", "09:09", "09:15", "09:19", "09:25", "09:29"];
  expect(heads(kept).map((head) => head.slice(0, 5))).toEqual(three);
  show("gate", { severity: "warning" });
  await at(kept, "2026-01-05T09:55");
  await at(kept, "2026-01-05T12:00");
  // The last of it, with how often; the earlier ones that were held are part of it.
  expect(kept.printed).toHaveLength(7);
  expect(heads(kept)[6]).toBe("12:00 ! warning: Digest: 1 thing");
  expect(kept.printed[6]).toContain("warning: gate needs a look (flapping: 6th time within 1h)");
});

test("a critical trouble that comes and goes is told at growing distances, its end when it lasts", async () => {
  const { show, hide, play } = world("1m");
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    config: { heartbeat: { every: "1m" }, notify: { digestAt: "08:30" } },
  });
  await using kept = await place.open();
  for (let time = 5; time < 125; time += 10) {
    const clock = (minutes: number) =>
      new Date(Date.parse("2026-01-05T09:00Z") + minutes * minute).toISOString().slice(0, 16);
    show("pump");
    await at(kept, clock(time));
    hide("pump");
    await at(kept, clock(time + 5));
  }
  const told = heads(kept).map((head) => head.replace(/ needs a look.*/, ""));
  expect(told).toEqual([
    "09:05 !! critical: pump",
    "09:10 ok: Over after 5m: pump",
    "09:15 !! critical: pump",
    "09:20 ok: Over after 5m: pump",
    "09:25 !! critical: pump",
    "09:30 ok: Over after 5m: pump",
    // Half an hour after the last word.
    "09:55 !! critical: pump",
    // An hour after that.
    "10:55 !! critical: pump",
  ]);
  await at(kept, "2026-01-05T12:15");
  expect(kept.printed).toHaveLength(9);
  expect(kept.printed[8]).toContain("ok: Over after 5m: pump needs a look");
});

test("what the day's cap held back comes first in the digest, the most severe and the oldest on top", async () => {
  const { show, play } = world();
  await using model = await startScriptedModel(reportAll("notify"));
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    model,
    config: { heartbeat: { every: "10m" }, notify: { interruptionsPerDay: 1, digestAt: "17:00" } },
  });
  await using kept = await place.open();
  for (const [time, key, severity] of [
    ["09:10", "first", "notice"],
    ["09:20", "mail", "notice"],
    ["09:30", "letter", "notice"],
    ["09:40", "gate", "warning"],
    ["09:50", "fence", "warning"],
  ] as const) {
    show(key, { severity });
    await at(kept, `2026-01-05T${time}`);
  }
  await at(kept, "2026-01-05T17:00");
  const digest = kept.printed.at(-1) ?? "";
  expect(digest).toContain("Held back, as the day had enough interruptions:");
  const lines = digest.split("\n").filter((line) => line.includes("needs a look"));
  expect(lines.map((line) => line.trim())).toEqual([
    "warning: gate needs a look",
    "warning: fence needs a look",
    "notice: mail needs a look",
    "notice: letter needs a look",
  ]);
  expect(kept.printed).toHaveLength(2);
});

test("acknowledged is silence until it gets worse, and its end stands in the digest", async () => {
  const { show, hide, play } = world();
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    config: { heartbeat: { every: "10m" }, notify: { digestAt: "17:00" } },
  });
  await using kept = await place.open();
  show("pump", { severity: "warning" });
  show("well");
  await at(kept, "2026-01-05T09:10");
  await kept.store.acknowledge(1, kept.clock.now());
  await kept.store.acknowledge(2, kept.clock.now());
  show("pump", { severity: "warning", title: "the pump is loud" });
  await at(kept, "2026-01-05T10:10");
  await at(kept, "2026-01-05T11:10");
  expect(kept.printed).toHaveLength(1);
  show("pump", { severity: "critical", title: "the pump leaks" });
  hide("well");
  await at(kept, "2026-01-05T11:20");
  expect(heads(kept).slice(1)).toEqual(["11:20 !! critical: Changed: the pump leaks"]);
  // It got worse: the reminders begin anew.
  await at(kept, "2026-01-05T12:21");
  expect(heads(kept).slice(2)).toEqual([
    "12:21 !! critical: Still open after 3h 11m: the pump leaks",
  ]);
  await kept.store.acknowledge(1, kept.clock.now());
  await at(kept, "2026-01-05T15:00");
  await at(kept, "2026-01-05T17:00");
  expect(heads(kept).slice(3)).toEqual(["17:00 !! critical: Digest: 1 thing"]);
  expect(kept.printed[3]).toContain("ok: Over after 2h 10m: well needs a look");
  expect(kept.printed[3]).not.toContain("pump");
});

test("put off is silence until then, and then it is said again, unless it is over", async () => {
  const { show, hide, play } = world();
  await using place = await setting({
    start: "2026-01-05T09:00:00Z",
    play,
    config: { heartbeat: { every: "10m" }, notify: { digestAt: "17:00" } },
  });
  await using kept = await place.open();
  show("pump");
  show("well");
  show("letter", { severity: "notice" });
  await at(kept, "2026-01-05T09:10");
  for (const { id } of await kept.findings()) {
    await kept.store.snooze(id, Date.parse("2026-01-05T12:10:00Z"));
  }
  hide("well");
  await at(kept, "2026-01-05T10:20");
  await at(kept, "2026-01-05T12:00");
  expect(kept.printed).toHaveLength(1);
  await at(kept, "2026-01-05T12:20");
  expect(kept.printed).toHaveLength(2);
  expect(kept.printed[1]).toContain("pump needs a look (and 1 more)");
  expect(kept.printed[1]).toContain("notice: letter needs a look");
  expect(kept.printed[1]).toContain("the time you put it off for is over, and it is still open");
  await at(kept, "2026-01-05T13:21");
  expect(heads(kept)[2]).toMatch(/^13:21 !! critical: Still open after 4h/);
  await kept.store.acknowledge(1, kept.clock.now());
  await at(kept, "2026-01-05T17:00");
  expect(heads(kept).slice(3)).toEqual(["17:00 !! critical: Digest: 1 thing"]);
  expect(kept.printed[3]).toContain("ok: Over after 1h 10m: well needs a look");
});

test("on the owner's clock of Kathmandu quiet hours end at seven, and the first reminder does not wait", async () => {
  const { show, play } = world();
  show("fence", { severity: "warning" });
  show("pump");
  // 03:00 there, five and three quarters of an hour ahead.
  await using place = await setting({
    start: "2026-01-04T21:15:00Z",
    play,
    config: {
      ...{ timezone: "Asia/Kathmandu", heartbeat: { every: "10m" } },
      notify: { quietHours: "22:00-07:00" },
    },
  });
  await using kept = await place.open();
  for (const time of ["04T22:16", "05T00:30", "05T01:14", "05T01:15"]) {
    await at(kept, `2026-01-${time}`);
  }
  expect(heads(kept)).toEqual([
    "03:00 !! critical: pump needs a look",
    "04:01 !! critical: Still open after 1h 1m: pump needs a look",
    "07:00 !! critical: Still open after 4h: pump needs a look",
    "07:00 ! warning: Digest: 1 thing",
  ]);
});

test("in the night in which the clock is set forward nothing is told twice or lost", async () => {
  const { show, play } = world();
  show("letter", { severity: "notice" });
  show("fence", { severity: "warning" });
  await using place = await setting({
    start: "2027-03-27T22:00:00Z",
    play,
    config: {
      ...{ timezone: "Europe/Berlin", heartbeat: { every: "10m" } },
      notify: { quietHours: "22:00-07:00", digestAt: "02:30" },
    },
  });
  await using kept = await place.open();
  // 02:30 is not there that night: the digest comes with the change, 03:00 for 02:00.
  for (const time of ["28T00:59", "28T01:00", "28T05:00", "28T12:00", "29T00:29", "29T00:30"]) {
    await at(kept, `2027-03-${time}`);
  }
  expect(heads(kept)).toEqual([
    "03:00 ! warning: Digest: 2 things",
    "02:30 ! warning: Digest: 1 still open",
  ]);
});

test("links of strangers and of the model are dead wherever they are told, and our own are not", async () => {
  const { show, play } = world();
  await using model = await startScriptedModel(
    reportAll("notify", { message: "See www.evil.example now." }),
  );
  await using place = await setting({ start: "2026-01-05T09:00:00Z", play, model });
  await using kept = await place.open();
  show("mail", {
    ...{ severity: "notice", trust: "untrusted" },
    ...{ title: "Win at https://evil.example/x", text: "mailto:ann@evil.example" },
  });
  show("shop", { title: "https://shop.example/ is down" });
  await at(kept, "2026-01-05T09:10");
  const [told] = await kept.notifications();
  const text = `${told?.title}\n${told?.body}`;
  expect(text).toContain("https://shop.example/ is down");
  expect(text).toContain("Win at hxxps://evil[.]example/x");
  expect(text).toContain("> mailto[:]ann@evil[.]example");
  expect(text).toContain("www[.]evil[.]example");
  expect(text.replaceAll("https://shop.example/", "")).not.toMatch(/https?:|evil\.example/);
});
