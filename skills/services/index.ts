import { defineSkill } from "watchkeeper";
import type { SkillContext } from "watchkeeper";
import { referenceName, servicesConfig } from "./config.ts";
import type { ServicesConfig } from "./config.ts";
import { historyTool } from "./history-tool.ts";
import { listTool } from "./list-tool.ts";
import { maintenanceCalendar } from "./maintenance.ts";
import { targetCheck } from "./observe.ts";
import { probeTool } from "./probe-tool.ts";
import { createWorkshop } from "./probes/index.ts";
import { referenceCheck } from "./reference-check.ts";
import { restartable, restartTool } from "./restart-tool.ts";
import { createWitnesses, longestExcuseMs } from "./witnesses.ts";

export default defineSkill({
  config: servicesConfig,
  checks({ config, baseDir, timezone }: SkillContext<ServicesConfig>) {
    const workshop = createWorkshop(baseDir);
    const surroundings = {
      workshop,
      witnesses: createWitnesses(config, workshop),
      maintenance: maintenanceCalendar(timezone),
    };
    const { targets, reference } = config;
    return {
      ...Object.fromEntries(
        targets.map((target) => [
          target.name,
          targetCheck(target, longestExcuseMs(target, config), surroundings),
        ]),
      ),
      ...(reference && { [referenceName]: referenceCheck(reference, workshop) }),
    };
  },
  tools({ config, baseDir }) {
    const workshop = createWorkshop(baseDir);
    return {
      list: listTool(config),
      probe: probeTool(config, workshop),
      history: historyTool(config),
      ...(restartable(config).length > 0 && { restart: restartTool(config, workshop) }),
    };
  },
  pushes: ({ config }) =>
    Object.fromEntries(
      config.targets.flatMap((target) =>
        target.kind === "push"
          ? [
              [
                target.name,
                { check: target.name, ...(target.key !== undefined && { key: target.key }) },
              ],
            ]
          : [],
      ),
    ),
});
