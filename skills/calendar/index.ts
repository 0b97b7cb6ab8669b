import { defineSkill, type SkillContext } from "watchkeeper";
import { agendaCheck } from "./agenda.ts";
import { createBoard } from "./board.ts";
import { calendarCheck } from "./check.ts";
import { agendaCheckName, type CalendarConfig, calendarConfig } from "./config.ts";
import { openSources } from "./sources.ts";
import { freeTool } from "./tools/free.ts";
import { listTool } from "./tools/list.ts";
import { writeTools } from "./tools/write.ts";

/** Watches calendars, one check per source, and writes to those that can be written. */
export default defineSkill({
  config: calendarConfig,
  checks(context) {
    const { config, timezone, stateDir } = context;
    const { every, everyMs, addresses, workingHours, travelMs, briefMs, agendaAt } = config;
    const sources = openSources(config, context);
    const board =
      sources.length > 1
        ? createBoard(
            sources.map(({ source }) => source),
            { stateDir, freshMs: Math.max(3 * everyMs, 3_600_000) },
          )
        : undefined;
    const rules = { workingHours, travelMs };
    return {
      ...Object.fromEntries(
        sources.map(({ source, config: { remindBeforeMs } }) => [
          source.name,
          calendarCheck({
            source,
            remindBeforeMs,
            every,
            everyMs,
            timezone,
            addresses,
            rules,
            briefMs,
            board,
          }),
        ]),
      ),
      ...(agendaAt ? { [agendaCheckName]: agendaCheck(toolOptions(context), agendaAt) } : {}),
    };
  },
  tools(context) {
    const options = toolOptions(context);
    return {
      list: listTool(options),
      free: freeTool({ ...options, workingHours: context.config.workingHours }),
      ...writeTools(options),
    };
  },
});

const toolOptions = (context: SkillContext<CalendarConfig>) => ({
  sources: openSources(context.config, context),
  timezone: context.timezone,
  addresses: context.config.addresses,
});
