/** For authors of skills and for our own tests: what they import as `watchkeeper/testing`. */
export { systemClock, type Clock } from "../domain/clock.ts";
export { FakeClock } from "./fake-clock.ts";
export { formatMail, type MailAttachment, type MailMessage } from "./mail-message.ts";
export { createMaildir, type Maildir } from "./maildir.ts";
export type { RequestBlock, RequestBody, RequestMessage } from "./request-body.ts";
export {
  startScriptedModel,
  type ModelScript,
  type ScriptedModel,
  type ScriptedModelOptions,
} from "./scripted-model.ts";
export {
  callTools,
  fault,
  findingIds,
  heldUntil,
  report,
  reportAll,
  text,
  type RecordedRequest,
  type ReplyMaker,
  type ScriptedBlock,
  type ScriptedMessage,
  type ScriptedReply,
  type ScriptedToolCall,
  type ScriptedUsage,
  type ScriptedVerdict,
  type StreamEnd,
} from "./scripted-reply.ts";
export {
  callTool,
  look,
  lookInput,
  skillContext,
  type BenchOptions,
  type LookOptions,
  type ToolCallOptions,
} from "./skill-bench.ts";
