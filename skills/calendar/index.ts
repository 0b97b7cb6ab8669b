import { defineSkill } from "watchkeeper";
import { calendarCheck } from "./check.ts";
import { calendarConfig } from "./config.ts";
import { listTool } from "./list.ts";

export default defineSkill({
  config: calendarConfig,
  checks: ({ config, timezone, baseDir }) =>
    Object.fromEntries(
      config.sources.map((source) => [
        source.name,
        calendarCheck({ source, every: config.every, everyMs: config.everyMs, timezone, baseDir }),
      ]),
    ),
  tools: ({ config, timezone, baseDir }) => ({
    list: listTool({ sources: config.sources, timezone, baseDir }),
  }),
});
