import type { CalendarWriter } from "./calendar-writer.ts";
import type { Validators } from "./source.ts";

/** What a source holds; `unchanged` only when `validators` were given and still hold. */
export type SourceContent =
  | { readonly kind: "unchanged" }
  | {
      readonly kind: "changed";
      /** iCalendar texts: one for a file, one for each object of a server. */
      readonly texts: readonly string[];
      readonly validators: Validators;
      /** The owner's addresses as the server knows them, in lower case. */
      readonly addresses?: readonly string[];
    };

export interface ReadRequest {
  /** Those of the last look; without them the content always comes back. */
  readonly validators?: Validators | undefined;
  readonly signal: AbortSignal;
  readonly now: Date;
}

/** Where one calendar of the config is read, and written when it can be. */
export interface CalendarSource {
  readonly name: string;
  /** Tells one calendar from another without giving its address away. */
  readonly identity: string;
  /** @throws AdapterError when it cannot be read; the signal's reason when aborted. */
  read(request: ReadRequest): Promise<SourceContent>;
  /** Missing when the calendar can only be read. */
  readonly writer?: CalendarWriter;
}
