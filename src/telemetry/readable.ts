import { plainText } from "../domain/plain-text.ts";

const longestLine = 4_000;

/** Log lines for a person at a terminal, from the JSON that the log writes. */
export function readableLog(write: (text: string) => void, timeOfDay: (at: number) => string) {
  return {
    write(line: string): void {
      try {
        const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
        const rest = Object.entries(fields)
          .map(
            ([key, value]) =>
              ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
          )
          .join("");
        const mark = level === "info" || level === "debug" ? "" : `${String(level)}: `;
        const said = plainText(`${mark}${String(msg)}${rest}`, longestLine);
        write(`${timeOfDay(Date.parse(String(time)))}    ${said}\n`);
      } catch {
        write(line);
      }
    },
  };
}
