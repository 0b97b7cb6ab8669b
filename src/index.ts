/** The public API: what `agent.config.ts` and skills import as `watchkeeper`. */
export { z } from "zod";
export { defineConfig, type Config } from "./config/define.ts";
export { secret, type Secret } from "./config/secret.ts";
export { duration, formatDuration, parseDuration } from "./domain/duration.ts";
export {
  AdapterError,
  ConfigError,
  SkillError,
  ToolError,
  WatchkeeperError,
} from "./domain/errors.ts";
export type { Severity, Trust } from "./domain/finding.ts";
export type { ReplyAddress } from "./domain/reply-address.ts";
export { defineSkill, defineTool } from "./skills/define.ts";
export type { NotificationMail, ReceivedMail, TakenAnswer } from "./skills/notification-mail.ts";
export type {
  AnyTool,
  CheckDefinition,
  ObservationInput,
  ObserveInput,
  ObserveResult,
  Push,
  PushDefinition,
  RuleAction,
  SkillContext,
  SkillDefinition,
  SkillLog,
  ToolDefinition,
  ToolEffect,
  ToolRunContext,
} from "./skills/define.ts";
