import { z } from "watchkeeper";

/** The owner's own rules, as they stand in the config. */

const severities = ["info", "notice", "warning", "critical"] as const;

const pattern = () => z.string().min(1).max(500);
/** One pattern, or several of which one must fit. */
const patterns = () => z.union([pattern(), z.array(pattern()).min(1).max(500)]);

const units: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: 1_024 ** 2, gb: 1_024 ** 3 };

/** `>5MB` or `<10KB`. */
const size = z.string().transform((text, context) => {
  const [, sign, digits = "", unit = ""] =
    /^([<>])\s*(\d{1,9}(?:\.\d{1,3})?)\s*(b|kb|mb|gb)$/i.exec(text.trim()) ?? [];
  if (sign !== undefined) {
    const bytes = Number(digits) * (units[unit.toLowerCase()] ?? 1);
    return { over: sign === ">", bytes };
  }
  context.issues.push({
    code: "custom",
    message: `"${text}" is not a size; write > or <, a number and B, KB, MB or GB, such as ">5MB"`,
    input: text,
  });
  return z.NEVER;
});

/** All of what is written must fit. */
const match = z
  .strictObject({
    /** The address in the From line, whole: `*@news.example.com`. */
    from: patterns().optional(),
    /** One of the addresses in To and Cc, whole. */
    to: patterns().optional(),
    /** Somewhere in the subject. */
    subject: patterns().optional(),
    /** What stands between the angle brackets of List-Id, whole. */
    listId: patterns().optional(),
    /** Somewhere in a header of that name. */
    header: z.record(z.string().regex(/^[A-Za-z0-9-]{1,80}$/), pattern()).optional(),
    size: size.optional(),
    /** Whether there is one, or its name, whole: `*.pdf`. */
    attachment: z.union([z.boolean(), patterns()]).optional(),
    bulk: z.boolean().optional(),
  })
  .check((context) => {
    if (Object.values(context.value).some((part) => part !== undefined)) return;
    context.issues.push({
      code: "custom",
      message: "is empty and would match every mail; write what must fit, such as from",
      input: context.value,
    });
  });

export const labelPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/;
export const labelWords =
  "must begin with a letter or digit and hold letters, digits, _, . and - only, at most 40 of them";

export const rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]+$/, "must be made of lower-case letters, digits and hyphens")
      .max(60),
    match,
    /** Accounts that it holds for; without, all. */
    accounts: z.array(z.string()).min(1).optional(),
    severity: z.enum(severities).optional(),
    label: z.string().regex(labelPattern, labelWords).optional(),
    archive: z.literal(true).optional(),
    /** No finding, and nothing else is done. */
    ignore: z.literal(true).optional(),
  })
  .check((context) => {
    const { name, severity, label, archive, ignore } = context.value;
    const deeds = [severity, label, archive].filter((deed) => deed !== undefined);
    const problem =
      ignore === true && deeds.length > 0
        ? "ignores and does more; a mail that is ignored has no severity and is left as it is"
        : ignore === undefined && deeds.length === 0
          ? "does nothing; write severity, label, archive or ignore"
          : undefined;
    if (problem === undefined) return;
    context.issues.push({
      code: "custom",
      message: `rule "${name}" ${problem}`,
      input: context.value,
    });
  });

/** An address, or a pattern of addresses. */
export const vip = z
  .string()
  .max(254)
  .regex(/^[^@\s]+@[^@\s]+$/, 'must be an address such as "boss@example.com" or "*@example.com"');

export type Rule = z.output<typeof rule>;
export type RuleMatch = z.output<typeof match>;
