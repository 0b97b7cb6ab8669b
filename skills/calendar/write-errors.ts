import { AdapterError, ToolError } from "watchkeeper";
import { ConnectionBroken } from "./bounded-fetch.ts";

/**
 * For what is done before anything is written: whatever fails, nothing was done.
 * @throws ToolError in place of AdapterError
 */
export async function beforeWriting<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof AdapterError ? nothingWritten(error) : error;
  }
}

/**
 * For the request that writes: what certainly never reached the server, or was turned away at its
 * door, was not done; of anything else nobody knows.
 */
export async function whileWriting<Value>(
  work: () => Promise<Value>,
  refusals: readonly string[] = [],
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const isCertain =
      (error instanceof ConnectionBroken && !error.mayHaveArrived) ||
      (error instanceof AdapterError && refusals.includes(error.code));
    throw isCertain ? nothingWritten(error) : error;
  }
}

const nothingWritten = (error: AdapterError): ToolError =>
  new ToolError("CALENDAR_NOT_WRITTEN", `nothing was written: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });

export const changedMeanwhile = (): ToolError =>
  new ToolError("CALENDAR_CHANGED_MEANWHILE", "somebody else has changed this event meanwhile", {
    hint: "Nothing was written. Look at it again with calendar_list, then decide anew",
  });

export const writeRefused = (host: string, status: number): ToolError =>
  new ToolError("CALENDAR_WRITE_REFUSED", `${host} refuses to write this (${status})`, {
    hint: "Nothing was written. See that the owner's user may change this calendar",
  });

export const cannotTakeBack = (): ToolError =>
  new ToolError("CALENDAR_CANNOT_TAKE_BACK", "what the event was before is not known", {
    hint: "Change it by hand, or with calendar_update",
  });
