import type { MemoryRecord } from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** One of the agent's notes as JSON, on the command line and in an export. */
export const noteView = ({ id, text, trust, runId, createdAt, expiresAt }: MemoryRecord) => ({
  id,
  text,
  trust,
  runId,
  createdAt: isoTime(createdAt),
  expiresAt: isoTimeOrNull(expiresAt),
});
