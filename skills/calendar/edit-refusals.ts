import { ToolError } from "watchkeeper";

/** What is not done to a calendar, whichever kind it is. */

export const noAddress = (): ToolError =>
  new ToolError("CALENDAR_NO_ADDRESS", "the owner's own address is not known", {
    hint: "The owner must write calendar.address in agent.config.ts; without attendees it works",
  });

export const noSuchEvent = (): ToolError =>
  new ToolError("CALENDAR_NO_SUCH_EVENT", "the calendar has no such event", {
    hint: "Use an id as it stands in a finding or in calendar_list; it may be gone by now",
  });

export const wholeSeries = (): ToolError =>
  new ToolError("CALENDAR_WHOLE_SERIES", "a whole series cannot be moved", {
    hint: "Name one occurrence, with the id that calendar_list gives for it",
  });

export const notInvited = (addresses: readonly string[]): ToolError =>
  new ToolError("CALENDAR_NOT_INVITED", "the owner is not among those invited", {
    hint:
      addresses.length === 0
        ? "The owner's address is not known: calendar.address in agent.config.ts"
        : "There is nothing to answer; look at the event with calendar_list",
  });

export const notYours = (): ToolError =>
  new ToolError("CALENDAR_NOT_YOURS", "somebody else organises this event", {
    hint: "Answer it with calendar_respond, or ask the organiser to change it",
  });

export const othersInvited = (): ToolError =>
  new ToolError("CALENDAR_OTHERS_INVITED", "others are invited to this event", {
    hint: "They would learn of it: call again with tellOthers: true, and the owner is asked",
  });
