import type { Terminal } from "../context.ts";
import { cutTo, quoted } from "../text.ts";
import type { Progress } from "./side-by-side.ts";

const toLineStart = "\r\u001B[K";

/** One line that is written over, where somebody watches; nothing of it stays. */
export function progressOn(
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): Progress {
  if (!terminal.isTTY || environment.TERM === "dumb") return { tell() {}, end() {} };
  return {
    tell({ done, all, waitingFor }) {
      const line = `${done} of ${all}, looking at ${waitingFor.join(", ")}`;
      terminal.write(toLineStart + (done < all ? cutTo(quoted(line), terminal.columns - 1) : ""));
    },
    end: () => terminal.write(toLineStart),
  };
}
