/** What is asked to be in a calendar. Times are milliseconds since the epoch. */
export interface EventTimes {
  readonly start: number;
  readonly end: number;
  /** Both are then midnights of the owner's zone, and these are the days as `2026-11-24`. */
  readonly days?: { readonly first: string; readonly after: string } | undefined;
}

export interface EventDraft extends EventTimes {
  readonly title: string;
  readonly place?: string | undefined;
  readonly about?: string | undefined;
  readonly attendees: readonly string[];
}

/** What is to be different; what is undefined stays. An empty text takes the property away. */
export interface EventEdit {
  readonly title?: string | undefined;
  readonly place?: string | undefined;
  readonly about?: string | undefined;
  readonly times?: EventTimes | undefined;
}

/** An event, or one occurrence of a series, as `Instance` names it. */
export interface EventReference {
  readonly id: string;
  readonly recurrenceId: string;
}

export type Answer = "accepted" | "declined" | "tentative";

/** How a write is made: within a time, and known again by its key. */
export interface WriteRequest {
  readonly signal: AbortSignal;
  readonly now: Date;
  /** The same for every attempt at the same call. */
  readonly key: string;
}

/** What is needed to take a write back. JSON, and small: it stands in the journal. */
export interface WrittenEvent {
  /** As `Instance` names it. */
  readonly id: string;
  /** The server's own address or id of what was written. */
  readonly at: string;
  /** Of what was written: when it is another by now, somebody else has changed it. */
  readonly etag: string;
}

export interface EditedEvent extends WrittenEvent {
  readonly recurrenceId: string;
  /** What was there before, in the server's own terms; undefined when that is not known. */
  readonly before?: unknown;
}

/**
 * Writes to one calendar. Each method either throws a `ToolError`, and then nothing was done, or
 * another error, and then nobody knows. Nothing that somebody else has changed is overwritten.
 */
export interface CalendarWriter {
  create(draft: EventDraft, request: WriteRequest): Promise<WrittenEvent>;
  /** @returns what `create` made with this key, or undefined when it is not there. */
  findCreated(request: WriteRequest): Promise<WrittenEvent | undefined>;
  /** Takes away what `create` made, unless it was changed since. */
  removeCreated(written: WrittenEvent, request: WriteRequest): Promise<void>;
  /** @param tellOthers the caller knows that others are invited and will learn of it */
  edit(
    event: EventReference,
    edit: EventEdit,
    request: WriteRequest & { readonly tellOthers: boolean },
  ): Promise<EditedEvent>;
  /** @returns what `edit` made with this key; undefined when the event does not bear it. */
  findEdited(event: EventReference, request: WriteRequest): Promise<EditedEvent | undefined>;
  /** Puts back what was there before `edit`, unless it was changed since. */
  takeBackEdit(edited: EditedEvent, request: WriteRequest): Promise<void>;
  respond(event: EventReference, answer: Answer, request: WriteRequest): Promise<void>;
  /** @returns the owner's answer as the calendar has it. */
  answerOf(event: EventReference, request: WriteRequest): Promise<Answer | undefined>;
  remove(event: EventReference, request: WriteRequest): Promise<void>;
  exists(event: EventReference, request: WriteRequest): Promise<boolean>;
}
