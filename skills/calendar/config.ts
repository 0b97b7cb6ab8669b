import { duration, parseDuration, z } from "watchkeeper";
import { parseWorkingHours } from "./working-hours.ts";

const webAddress = (what: string) =>
  z
    .string()
    .trim()
    .refine((text) => URL.canParse(text) && /^https?:\/\//i.test(text), {
      error: `${what} is an address that begins with https:// or http://`,
    })
    .refine((text) => !URL.canParse(text) || new URL(text).username === "", {
      error: `${what} has a user in it; write the login into user and password`,
    });

const caldav = z.strictObject({
  /** The server, the user's folder, or the calendar itself. */
  url: webAddress("caldav.url"),
  user: z.string().min(1),
  password: z.string().min(1),
  /** One of the user's calendars, by its name; default: all of them. */
  calendar: z.string().min(1).optional(),
});

const google = z.strictObject({
  calendarId: z.string().trim().min(1).default("primary"),
  clientId: z.string().trim().min(1).optional(),
  clientSecret: z.string().trim().min(1).optional(),
  rootUrl: webAddress("google.rootUrl").optional(),
  authUrl: webAddress("google.authUrl").optional(),
  tokenUrl: webAddress("google.tokenUrl").optional(),
});

const kinds = ["ics", "caldav", "google"] as const;

const source = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/,
        "a source's name is letters, digits, - and _, at most 40",
      ),
    ics: z.string().trim().min(1, "ics is the address or the path of a calendar").optional(),
    caldav: caldav.optional(),
    google: google.optional(),
    remindBefore: duration().optional(),
  })
  .check((context) => {
    const { name, ics, ...rest } = context.value;
    const given = kinds.filter((kind) => (kind === "ics" ? ics : rest[kind]) !== undefined);
    if (given.length !== 1) {
      context.issues.push({
        code: "custom",
        message:
          given.length === 0
            ? `calendar source "${name}" needs ics, caldav or google`
            : `calendar source "${name}" has ${given.join(" and ")}; write each as a source of its own`,
        input: context.value,
      });
    }
    if (ics && /^[a-z][a-z\d+.-]+:\/\//i.test(ics) && !/^(?:https?|webcals?):\/\//i.test(ics)) {
      context.issues.push({
        code: "custom",
        message: `ics of calendar source "${name}" is neither an https:// nor an http:// address nor a path`,
        path: ["ics"],
        input: ics,
      });
    }
  });

const address = z.email({ pattern: z.regexes.html5Email }).transform((text) => text.toLowerCase());

const clockTime = /^(?:[01]?\d|2[0-3]):[0-5]\d$/;

/** The skill's part of `agent.config.ts`; durations come out as milliseconds. */
export const calendarConfig = z
  .strictObject({
    every: z
      .string()
      .refine((text) => parseDuration(text) !== undefined, {
        error: 'every is a duration such as "15m" or "1h"',
      })
      .default("15m"),
    remindBefore: duration().prefault("30m"),
    /** What invitations to the owner are sent to. */
    address: z
      .union([address, z.array(address).max(20)], {
        error: 'address is an e-mail address, such as "me@example.com", or a list of them',
      })
      .optional(),
    workingHours: z
      .string()
      .refine((text) => parseWorkingHours(text) !== undefined, {
        error: 'workingHours is written as "09:00-17:30" or "Mon-Thu 09:00-17:30"',
      })
      .optional(),
    travelTime: duration().prefault("30m"),
    agendaAt: z.string().regex(clockTime, 'agendaAt is a time of day such as "07:30"').optional(),
    briefBefore: duration().prefault("1h"),
    sources: z.array(source).min(1, "calendar needs at least one source"),
  })
  .transform((config) => ({
    every: config.every,
    everyMs: parseDuration(config.every) as number,
    addresses: [config.address ?? []].flat(),
    workingHours:
      config.workingHours === undefined ? undefined : parseWorkingHours(config.workingHours),
    travelMs: config.travelTime,
    agendaAt: config.agendaAt,
    briefMs: config.briefBefore,
    sources: config.sources.map(({ remindBefore, ...rest }) => ({
      ...rest,
      remindBeforeMs: remindBefore ?? config.remindBefore,
    })),
  }))
  .superRefine(({ sources, agendaAt }, context) => {
    const names = sources.map((one) => one.name.toLowerCase());
    const twice = sources.find((one, index) => names.indexOf(one.name.toLowerCase()) !== index);
    if (twice) {
      context.addIssue({
        code: "custom",
        message: `two calendar sources are named "${twice.name}"`,
        path: ["sources"],
      });
    }
    if (agendaAt !== undefined && names.includes(agendaCheckName)) {
      context.addIssue({
        code: "custom",
        message: `with agendaAt no calendar source can be named "${agendaCheckName}"`,
        path: ["sources"],
      });
    }
  });

/** The check that tells the day's events. */
export const agendaCheckName = "agenda";

export type CalendarConfig = z.output<typeof calendarConfig>;
export type CalendarSourceConfig = CalendarConfig["sources"][number];
