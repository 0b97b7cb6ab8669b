import { z } from "zod";

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d+(?:\.\d+)?)(s|m|h|d)$/;
const longestMs = 3_660 * unitMs.d;

/**
 * Reads a duration such as `30s`, `5m`, `2h` or `1d`.
 * @returns milliseconds, or undefined when the text is not a duration above zero.
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]);
  return ms > 0 && ms <= longestMs ? ms : undefined;
}

/** Whether the text is one in form, even if it is none that {@link parseDuration} takes. */
export const looksLikeDuration = (text: string): boolean => pattern.test(text.trim());

/** Milliseconds as a person would say them, in at most two units: `45s`, `12m`, `2h 5m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  let rest = Math.round(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = Math.floor(rest / unitMs[unit]);
    rest -= count * unitMs[unit];
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** A zod schema for a duration: reads `30s`, `5m`, `2h`, `1d`; gives milliseconds. */
export const duration = () =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.issues.push({
      code: "custom",
      message: looksLikeDuration(text)
        ? `"${text}" must be between 1s and 3660d`
        : `"${text}" is not a duration; write a number and s, m, h or d, such as "30s", "5m", "2h" or "1d"`,
      input: text,
    });
    return z.NEVER;
  });
