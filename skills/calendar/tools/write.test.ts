import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ICAL from "ical.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ToolError } from "watchkeeper";
import { skillContext } from "watchkeeper/testing";
import { startGoogle } from "../../../tests/servers/google.ts";
import { type Fate, startProxy } from "../../../tests/servers/proxy.ts";
import { radicaleAvailable, startRadicale } from "../../../tests/servers/radicale.ts";
import { calendarConfig } from "../config.ts";
import calendar from "../index.ts";

const now = new Date("2026-11-23T09:00:00Z");
const silent = { debug() {}, info() {}, warn() {} };

/** One suite for every calendar that can be written, each on its own server. */
interface World extends AsyncDisposable {
  readonly config: object;
  prepare(stateDir: string): Promise<void>;
  /** Puts an event there as its owner's program would: 26 November, 14:00 to 15:00 in Berlin. */
  seed(event: { uid: string; guests?: Guests; daily?: boolean }): Promise<void>;
  /** Somebody else gives an event another title. */
  rename(uid: string, title: string): Promise<void>;
  /** What becomes of writing requests from now on. */
  fate(fate: Fate): void;
  met(fate: Fate): Promise<void>;
  /** Happens while the next writing request is on its way. */
  meanwhile(happening: () => Promise<void>): void;
}

/** Whose meeting it is that has others in it. */
type Guests = "invited-by-owner" | "owner-invited";

/** Programs send the zone along that they name. */
const berlin = [
  "BEGIN:VTIMEZONE",
  "TZID:Europe/Berlin",
  "BEGIN:DAYLIGHT",
  "TZOFFSETFROM:+0100",
  "TZOFFSETTO:+0200",
  "DTSTART:19700329T020000",
  "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
  "END:DAYLIGHT",
  "BEGIN:STANDARD",
  "TZOFFSETFROM:+0200",
  "TZOFFSETTO:+0100",
  "DTSTART:19701025T030000",
  "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
  "END:STANDARD",
  "END:VTIMEZONE",
];

async function radicaleWorld(): Promise<World> {
  const server = await startRadicale();
  const proxy = await startProxy(server.root);
  const writing = (method: string): boolean => method === "PUT" || method === "DELETE";
  const bodies = new Map<string, string>();
  const put = (uid: string, text: string) => {
    bodies.set(uid, text);
    return server.putEvent(uid, text);
  };
  return {
    config: {
      address: "me@example.com",
      sources: [
        {
          name: "mine",
          caldav: { url: `${proxy.url}robin/work/`, user: server.user, password: server.password },
        },
      ],
    },
    prepare: async () => {
      proxy.fate = () => "pass";
    },
    seed: ({ uid, guests, daily }) =>
      put(
        uid,
        [
          ...berlin,
          "BEGIN:VEVENT",
          `UID:${uid}`,
          "DTSTAMP:20261101T000000Z",
          "DTSTART;TZID=Europe/Berlin:20261126T140000",
          "DTEND;TZID=Europe/Berlin:20261126T150000",
          `SUMMARY:${uid}`,
          "LOCATION:Room 1",
          "X-KEEP;X-PARAM=1:as it is",
          ...(daily ? ["RRULE:FREQ=DAILY;COUNT=5"] : []),
          ...(guests
            ? [
                `ORGANIZER:mailto:${guests === "owner-invited" ? "ann" : "me"}@example.com`,
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.com",
                "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:me@example.com",
              ]
            : []),
          "END:VEVENT",
        ].join("\r\n"),
      ),
    rename: async (uid, title) => {
      const text = (await server.getEvent(uid)) ?? "";
      const [, event = ""] =
        /((?:BEGIN:VTIMEZONE[\s\S]*)?BEGIN:VEVENT[\s\S]*END:VEVENT)/.exec(text) ?? [];
      await put(uid, event.replace(/SUMMARY:.*/, `SUMMARY:${title}`));
    },
    fate: (fate) => {
      proxy.fate = (method) => (writing(method) ? fate : "pass");
    },
    meanwhile: (happening) => {
      proxy.fate = async (method): Promise<Fate> => {
        if (writing(method)) await happening();
        return "pass";
      };
    },
    met: (fate) => proxy.met(fate),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function googleWorld(): Promise<World> {
  const server = await startGoogle();
  const proxy = await startProxy(server.url);
  const writing = (method: string, path: string): boolean =>
    method !== "GET" && path.includes("/events");
  return {
    config: {
      sources: [
        {
          name: "mine",
          google: {
            rootUrl: proxy.url,
            tokenUrl: server.tokenUrl,
            clientId: server.clientId,
            clientSecret: server.clientSecret,
          },
        },
      ],
    },
    prepare: (stateDir) => {
      proxy.fate = () => "pass";
      return writeFile(
        join(stateDir, "google.token.json"),
        JSON.stringify({ refreshToken: server.refreshToken, clientId: server.clientId }),
      );
    },
    seed: async ({ uid, guests, daily }) => {
      const time = (hour: number) => ({
        dateTime: `2026-11-26T${hour}:00:00+01:00`,
        timeZone: "Europe/Berlin",
      });
      const mine = guests !== "owner-invited";
      server.put({
        id: uid,
        iCalUID: uid,
        summary: uid,
        location: "Room 1",
        start: time(14),
        end: time(15),
        organizer: { email: mine ? "me@example.com" : "ann@example.com", self: mine },
        ...(daily ? { recurrence: ["RRULE:FREQ=DAILY;COUNT=5"] } : {}),
        ...(guests
          ? {
              attendees: [
                { email: "ann@example.com", responseStatus: "accepted" },
                { email: "me@example.com", self: true, responseStatus: "needsAction" },
              ],
            }
          : {}),
      });
    },
    rename: async (uid, title) => {
      const event = server.get(uid);
      if (event) server.put({ ...event, summary: title });
    },
    fate: (fate) => {
      proxy.fate = (method, path) => (writing(method, path) ? fate : "pass");
    },
    meanwhile: (happening) => {
      proxy.fate = async (method, path): Promise<Fate> => {
        if (writing(method, path)) await happening();
        return "pass";
      };
    },
    met: (fate) => proxy.met(fate),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const worlds = [
  { kind: "CalDAV", open: radicaleWorld, isThere: radicaleAvailable() },
  { kind: "Google", open: googleWorld, isThere: true },
];

describe.each(worlds.filter(({ isThere }) => isThere))("the tools of a $kind calendar", (each) => {
  let world: World;
  let stateDir: string;
  let count = 0;
  const uid = (): string => `event${count}`;
  beforeAll(async () => {
    world = await each.open();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    count += 1;
    stateDir = await mkdtemp(join(tmpdir(), "calendar-"));
    await world.prepare(stateDir);
  });
  afterEach(() => rm(stateDir, { recursive: true, force: true }));

  const toolOf = (name: string) => {
    const config = calendarConfig.parse(world.config);
    const context = skillContext(config, { timezone: "Europe/Berlin", stateDir });
    const tool = calendar.tools?.(context)[name];
    if (!tool) throw new Error(`there is no tool ${name}`);
    return tool;
  };
  const contextOf = (key: string, signal: AbortSignal) => ({
    signal,
    idempotencyKey: key,
    trust: "trusted" as const,
    runId: null,
    now,
    log: silent,
  });
  const call = async (
    name: string,
    input: object,
    { key = `key-${count}`, signal = AbortSignal.timeout(20_000) } = {},
  ): Promise<Record<string, unknown>> => {
    const tool = toolOf(name);
    const result: unknown = await tool.run(tool.input.parse(input), contextOf(key, signal));
    // As the journal gives it back.
    return JSON.parse(JSON.stringify(result)) as Record<string, unknown>;
  };
  const undo = (name: string, result: unknown): Promise<void> =>
    toolOf(name).undo?.(result) ?? Promise.reject(new Error("it has no undo"));
  const reconcile = async (name: string, input: object, key = `key-${count}`): Promise<unknown> => {
    const tool = toolOf(name);
    return tool.reconcile?.(tool.input.parse(input), contextOf(key, AbortSignal.timeout(20_000)));
  };
  const effectOf = (name: string, input: object): unknown => {
    const { effect, input: schema } = toolOf(name);
    return typeof effect === "function" ? effect(schema.parse(input)) : effect;
  };
  interface Listed {
    id: string;
    title: string;
    start: string;
    end: string;
    where?: string;
    answer?: string;
  }
  const listed = async (): Promise<Listed[]> => {
    const { events } = await call("list", { from: "2026-11-24", days: 14 });
    return events as Listed[];
  };
  const find = async (id: string): Promise<Listed | undefined> =>
    (await listed()).find((one) => one.id === id);
  /** Aborts the call when the request has met its fate, as the time-out of the daemon does. */
  const cutOff = async (fate: Fate, name: string, input: object): Promise<unknown> => {
    world.fate(fate);
    const controller = new AbortController();
    const met = world.met(fate);
    const called = call(name, input, { signal: controller.signal }).catch(
      (error: unknown) => error,
    );
    await met;
    if (fate === "hang") controller.abort(new Error("took too long"));
    const error = await called;
    world.fate("pass");
    return error;
  };

  const draft = () => ({
    title: `Lunch ${count}`,
    start: "2026-11-27T12:00",
    place: "Café; Nord, 1",
  });

  it("creates an event in the owner's zone, and takes it back", async () => {
    const created = await call("create", { ...draft(), about: "Bring\nthe, plan; \\n" });
    expect(created).toMatchObject({
      calendar: "mine",
      start: "2026-11-27T12:00+01:00",
      end: "2026-11-27T13:00+01:00",
    });
    expect(await find(String(created["id"]))).toMatchObject({
      title: `Lunch ${count}`,
      start: "2026-11-27T12:00+01:00",
      where: "Café; Nord, 1",
    });
    await undo("create", created);
    expect(await find(String(created["id"]))).toBeUndefined();
  });

  it("creates whole days, the last one included", async () => {
    const created = await call("create", { title: "Off", start: "2026-11-30", end: "2026-12-01" });
    expect(await find(String(created["id"]))).toMatchObject({
      start: "2026-11-30",
      end: "2026-12-02",
    });
    await undo("create", created);
  });

  it("sends when others are invited, and writes when not", () => {
    expect(effectOf("create", draft())).toBe("write");
    expect(effectOf("create", { ...draft(), attendees: ["ann@example.com"] })).toBe("send");
    expect(effectOf("create", { ...draft(), attendees: ["ann@nas"] })).toBe("send");
    expect(effectOf("update", { id: "mine/x", title: "y" })).toBe("write");
    expect(effectOf("update", { id: "mine/x", title: "y", tellOthers: true })).toBe("send");
    expect(effectOf("respond", { id: "mine/x", answer: "accepted" })).toBe("send");
    expect(effectOf("delete", { id: "mine/x" })).toBe("destroy");
  });

  it("invites others", async () => {
    const created = await call("create", { ...draft(), attendees: ["ann@example.com"] });
    expect(await find(String(created["id"]))).toMatchObject({ others: 1 });
  });

  it("does not take back an event that somebody has changed since", async () => {
    const created = await call("create", draft());
    const id = String(created["id"]);
    await call("update", { id, title: "Changed by hand" }, { key: "other" });
    await expect(undo("create", created)).rejects.toMatchObject({
      code: "CALENDAR_CHANGED_MEANWHILE",
    });
    expect(await find(id)).toMatchObject({ title: "Changed by hand" });
  });

  it("finds out after a crash whether an event was created", async () => {
    expect(await reconcile("create", draft())).toBe("not-done");
    expect(await cutOff("lose-answer", "create", draft())).not.toBeInstanceOf(ToolError);
    const found = (await reconcile("create", draft())) as { result: Record<string, unknown> };
    expect(await find(String(found.result["id"]))).toMatchObject({ title: `Lunch ${count}` });
    await undo("create", found.result);
    expect(await reconcile("create", draft())).toBe("not-done");
  });

  it("says that nothing is known when the server does not answer in time", async () => {
    const error = await cutOff("hang", "create", draft());
    expect(error).not.toBeInstanceOf(ToolError);
    expect(String(error)).toContain("took too long");
    expect(await reconcile("create", draft())).toBe("not-done");
  });

  it("changes title, place and time, keeps the rest, and takes it back", async () => {
    await world.seed({ uid: uid() });
    const id = `mine/${uid()}`;
    const before = await find(id);
    const updated = await call("update", {
      id,
      title: "Later",
      place: "",
      start: "2026-11-26T16:30",
      end: "2026-11-26T17:00",
    });
    expect(updated["id"]).toBe(id);
    const changed = await find(id);
    expect(changed).toMatchObject({
      title: "Later",
      start: "2026-11-26T16:30+01:00",
      end: "2026-11-26T17:00+01:00",
    });
    expect(changed?.where).toBeUndefined();
    await undo("update", updated);
    expect(await find(id)).toEqual(before);
  });

  it("does not overwrite, nor take back over, what somebody else has changed", async () => {
    await world.seed({ uid: uid() });
    const id = `mine/${uid()}`;
    const updated = await call("update", { id, title: "Mine" });
    await world.rename(uid(), "Theirs");
    await expect(undo("update", updated)).rejects.toMatchObject({
      code: "CALENDAR_CHANGED_MEANWHILE",
    });
    expect(await find(id)).toMatchObject({ title: "Theirs" });
  });

  it("writes nothing over a change that comes while it is at it, nor where it may not write", async () => {
    await world.seed({ uid: uid(), guests: "owner-invited" });
    const id = `mine/${uid()}`;
    world.meanwhile(() => world.rename(uid(), "Theirs at first"));
    await expect(call("respond", { id, answer: "declined" })).rejects.toMatchObject({
      code: "CALENDAR_CHANGED_MEANWHILE",
      name: "ToolError",
    });
    world.meanwhile(() => world.rename(uid(), "Theirs"));
    await expect(call("delete", { id })).rejects.toMatchObject({
      code: "CALENDAR_CHANGED_MEANWHILE",
    });
    world.fate("forbid");
    for (const [name, input] of [
      ["create", draft()],
      ["respond", { id, answer: "declined" }],
      ["delete", { id }],
    ] as const) {
      await expect(call(name, input)).rejects.toMatchObject({ code: "CALENDAR_WRITE_REFUSED" });
    }
    world.fate("pass");
    expect(await find(id)).toMatchObject({ title: "Theirs", answer: "needs-action" });
  });

  it("moves one occurrence of a series, and takes that back", async () => {
    await world.seed({ uid: uid(), daily: true });
    const id = `mine/${uid()}/20261128T130000`;
    const updated = await call("update", {
      id,
      start: "2026-11-28T18:00",
      end: "2026-11-28T19:00",
    });
    expect(await find(id)).toMatchObject({ start: "2026-11-28T18:00+01:00" });
    expect((await listed()).filter((one) => one.id.startsWith(`mine/${uid()}`))).toHaveLength(5);
    await undo("update", updated);
    expect(await find(id)).toMatchObject({ start: "2026-11-28T14:00+01:00" });
    await expect(
      call("update", { id: `mine/${uid()}`, start: "2026-11-28T18:00" }),
    ).rejects.toMatchObject({ code: "CALENDAR_WHOLE_SERIES" });
    await expect(
      call("update", { id: `mine/${uid()}/20261128T120000`, title: "x" }),
    ).rejects.toBeInstanceOf(ToolError);
  });

  it("changes nothing that others are invited to unless it says so, and nothing of others", async () => {
    await world.seed({ uid: uid(), guests: "invited-by-owner" });
    const id = `mine/${uid()}`;
    await expect(call("update", { id, title: "x" })).rejects.toMatchObject({
      code: "CALENDAR_OTHERS_INVITED",
    });
    await expect(call("update", { id, title: "x", tellOthers: true })).resolves.toMatchObject({
      id,
    });
    count += 1;
    await world.seed({ uid: uid(), guests: "owner-invited" });
    await expect(
      call("update", { id: `mine/${uid()}`, title: "x", tellOthers: true }),
    ).rejects.toMatchObject({ code: "CALENDAR_NOT_YOURS" });
  });

  it("knows an update again by its key, and only by its own", async () => {
    await world.seed({ uid: uid() });
    const input = { id: `mine/${uid()}`, title: "Known again" };
    expect(await reconcile("update", input)).toBeUndefined();
    await cutOff("lose-answer", "update", input);
    expect(await reconcile("update", input)).toMatchObject({ result: { id: input.id } });
    expect(await reconcile("update", input, "another key")).toBeUndefined();
    const found = (await reconcile("update", input)) as { result: unknown };
    await expect(undo("update", found.result)).rejects.toMatchObject({
      code: "CALENDAR_CANNOT_TAKE_BACK",
    });
  });

  it("answers an invitation, and knows after a crash whether it did", async () => {
    await world.seed({ uid: uid(), guests: "owner-invited" });
    const input = { id: `mine/${uid()}`, answer: "accepted" };
    expect(await find(input.id)).toMatchObject({ answer: "needs-action" });
    expect(await reconcile("respond", input)).toBe("not-done");
    await call("respond", input);
    expect(await find(input.id)).toMatchObject({ answer: "accepted" });
    expect(await reconcile("respond", input)).toMatchObject({ result: input });
    await world.seed({ uid: uid() });
    await expect(call("respond", input)).rejects.toMatchObject({ code: "CALENDAR_NOT_INVITED" });
  });

  it("deletes an event, or one occurrence, and knows after a crash whether it did", async () => {
    await world.seed({ uid: uid(), daily: true });
    const one = { id: `mine/${uid()}/20261128T130000` };
    expect(await reconcile("delete", one)).toBe("not-done");
    await call("delete", one);
    const left = (await listed()).filter(({ id }) => id.startsWith(`mine/${uid()}`));
    expect(left.filter((event) => !("cancelled" in event))).toHaveLength(4);
    expect(await reconcile("delete", one)).toMatchObject({ result: { deleted: true } });
    const all = { id: `mine/${uid()}` };
    await cutOff("lose-answer", "delete", all);
    expect(await reconcile("delete", all)).toMatchObject({ result: { deleted: true } });
    await expect(call("delete", all)).rejects.toMatchObject({ code: "CALENDAR_NO_SUCH_EVENT" });
  });

  it("says what it refuses as a tool's error, and writes nothing", async () => {
    await expect(call("update", { id: "mine/nothing", title: "x" })).rejects.toMatchObject({
      code: "CALENDAR_NO_SUCH_EVENT",
    });
    await expect(call("create", { ...draft(), calendar: "other" })).rejects.toMatchObject({
      code: "CALENDAR_UNKNOWN_SOURCE",
    });
    for (const wrong of [
      { start: "tomorrow" },
      { start: "2026-02-30T10:00" },
      { start: "2026-11-27T12:00", end: "2026-11-27T11:00" },
      { start: "2026-11-27", end: "2026-11-27T11:00" },
      { start: "2026-11-27", end: "2036-11-27" },
    ]) {
      await expect(call("create", { title: "x", ...wrong })).rejects.toBeInstanceOf(ToolError);
    }
    const { input } = toolOf("create");
    for (const wrong of [
      { title: "a\r\nATTENDEE:mailto:x@y.example" },
      { place: "a\nb" },
      { about: "a\u0000" },
      { attendees: ["ann@example.com\r\nX:y"] },
      { rrule: "FREQ=DAILY" },
    ]) {
      expect(input.safeParse({ ...draft(), ...wrong }).success).toBe(false);
    }
  });

  it("tells when everything together leaves the owner free", async () => {
    await world.seed({ uid: uid() });
    const { free } = await call("free", { from: "2026-11-26", days: 1, minutes: 60 });
    const spans = (free as { start: string; end: string }[]).map(
      ({ start, end }) => `${start.slice(11, 16)}-${end.slice(11, 16)}`,
    );
    expect(spans.at(0)).toMatch(/^08:00-14:00$/);
    expect(spans.at(-1)).toMatch(/^1[567]:\d\d-18:00$/);
  });
});

describe("writing", () => {
  it.skipIf(!radicaleAvailable())(
    "keeps what it does not know, and makes valid calendars",
    async () => {
      await using world = await radicaleWorld();
      const stateDir = await mkdtemp(join(tmpdir(), "calendar-"));
      await world.seed({ uid: "kept" });
      const { caldav } = (
        world.config as { sources: { caldav: { url: string; user: string; password: string } }[] }
      ).sources[0] ?? { caldav: { url: "", user: "", password: "" } };
      const context = skillContext(calendarConfig.parse(world.config), { stateDir });
      const update = calendar.tools?.(context)["update"];
      const input = update?.input.parse({ id: "mine/kept", about: "a\nb, c; d \\ e" });
      await update?.run(input, {
        signal: AbortSignal.timeout(20_000),
        idempotencyKey: "k",
        trust: "trusted",
        runId: null,
        now,
        log: silent,
      });
      const authorization = `Basic ${Buffer.from(`${caldav.user}:${caldav.password}`).toString("base64")}`;
      const response = await fetch(`${caldav.url}kept.ics`, { headers: { authorization } });
      const text = await response.text();
      const event = new ICAL.Component(ICAL.parse(text) as unknown[]).getFirstSubcomponent(
        "vevent",
      );
      expect(event?.getFirstPropertyValue("description")).toBe("a\nb, c; d \\ e");
      expect(event?.getFirstPropertyValue("x-keep")).toBe("as it is");
      expect(event?.getFirstProperty("x-keep")?.getParameter("x-param")).toBe("1");
      expect(text).toContain("DTSTART;TZID=Europe/Berlin:20261126T140000");
      await rm(stateDir, { recursive: true, force: true });
    },
  );

  it("says of a calendar that can only be read that it can only be read", async () => {
    const config = calendarConfig.parse({ sources: [{ name: "team", ics: "./team.ics" }] });
    const tools = calendar.tools?.(skillContext(config)) ?? {};
    for (const [name, input] of Object.entries({
      create: { title: "x", start: "2026-11-27T12:00" },
      update: { id: "team/x", title: "y" },
      respond: { id: "team/x", answer: "accepted" },
      delete: { id: "team/x" },
    })) {
      const tool = tools[name];
      const context = {
        signal: AbortSignal.timeout(5_000),
        idempotencyKey: "k",
        trust: "trusted" as const,
        runId: null,
        now,
        log: silent,
      };
      const called = tool?.run(tool.input.parse(input), context) as Promise<unknown>;
      await expect(called).rejects.toMatchObject({ code: "CALENDAR_READ_ONLY", name: "ToolError" });
    }
  });
});
