import { defineSkill } from "watchkeeper";
import { servicesConfig } from "./config.ts";
import { targetCheck } from "./observe.ts";
import { probeTool } from "./probe-tool.ts";

export default defineSkill({
  config: servicesConfig,
  checks({ config, log }) {
    for (const { name, restart } of config.targets) {
      if (restart) log.warn(`restart of ${name} is not used by this version yet`);
    }
    return Object.fromEntries(
      config.targets.map((target) => [target.name, targetCheck(target, config.timeoutMs)]),
    );
  },
  tools: ({ config }) => ({ probe: probeTool(config) }),
});
