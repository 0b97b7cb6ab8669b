import { ToolError } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import type { Target } from "./target.ts";

const mostNamed = 100;

/** @throws ToolError that names the targets there are */
export function namedTarget({ targets }: ServicesConfig, name: string): Target {
  const target = targets.find((candidate) => candidate.name === name);
  if (target) return target;
  const names = targets.map((candidate) => candidate.name);
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : "";
  throw new ToolError("SERVICES_UNKNOWN_TARGET", "No watched service has that name", {
    hint:
      names.length > 0
        ? `Known names: ${names.slice(0, mostNamed).join(", ")}${more}`
        : "No service is configured",
  });
}
