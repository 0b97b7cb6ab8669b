import { defineSkill } from "watchkeeper";
import { servicesConfig } from "./config.ts";
import { targetCheck } from "./observe.ts";
import { probeTool } from "./probe-tool.ts";
import { restartable, restartTool } from "./restart-tool.ts";

export default defineSkill({
  config: servicesConfig,
  checks: ({ config }) =>
    Object.fromEntries(
      config.targets.map((target) => [target.name, targetCheck(target, config.timeoutMs)]),
    ),
  tools: ({ config, baseDir }) => ({
    probe: probeTool(config),
    ...(restartable(config).length > 0 && { restart: restartTool(config, baseDir) }),
  }),
});
