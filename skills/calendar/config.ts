import { duration, parseDuration, z } from "watchkeeper";

const laterKinds = ["caldav", "google"] as const;

const source = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/,
        "a source's name is letters, digits, - and _, at most 40",
      ),
    ics: z.string().trim().min(1, "ics is the address or the path of a calendar").optional(),
    caldav: z.unknown().optional(),
    google: z.unknown().optional(),
    remindBefore: duration().optional(),
  })
  .transform(({ name, ics, remindBefore, ...rest }, context) => {
    for (const kind of laterKinds) {
      if (rest[kind] === undefined) continue;
      context.issues.push({
        code: "custom",
        message: `${kind} sources come with a later version; use the calendar's ics address for now`,
        path: [kind],
        input: undefined,
      });
      return z.NEVER;
    }
    if (ics === undefined) {
      context.issues.push({
        code: "custom",
        message: `calendar source "${name}" needs ics: the address or the path of a calendar`,
        input: undefined,
      });
      return z.NEVER;
    }
    if (/^[a-z][a-z\d+.-]+:\/\//i.test(ics) && !/^(?:https?|webcals?):\/\//i.test(ics)) {
      context.issues.push({
        code: "custom",
        message: `ics of calendar source "${name}" is neither an https:// nor an http:// address nor a path`,
        path: ["ics"],
        input: undefined,
      });
      return z.NEVER;
    }
    return { name, ics, remindBeforeMs: remindBefore };
  });

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
    sources: z.array(source).min(1, "calendar needs at least one source"),
  })
  .transform(({ every, remindBefore, sources }) => ({
    every,
    everyMs: parseDuration(every) as number,
    sources: sources.map(({ name, ics, remindBeforeMs }) => ({
      name,
      ics,
      remindBeforeMs: remindBeforeMs ?? remindBefore,
    })),
  }))
  .superRefine(({ sources }, context) => {
    const names = sources.map((one) => one.name.toLowerCase());
    const twice = sources.find((one, index) => names.indexOf(one.name.toLowerCase()) !== index);
    if (twice) {
      context.addIssue({
        code: "custom",
        message: `two calendar sources are named "${twice.name}"`,
        path: ["sources"],
      });
    }
  });

export type CalendarConfig = z.output<typeof calendarConfig>;
export type CalendarSourceConfig = CalendarConfig["sources"][number];
