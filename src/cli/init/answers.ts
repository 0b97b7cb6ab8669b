/** What a person has, as they said it. */

export interface Answers {
  readonly mail: readonly MailAnswer[];
  readonly calendars: readonly CalendarAnswer[];
  readonly services: readonly ServiceAnswer[];
  readonly apiKey?: GivenSecret | undefined;
  /** Where to be told beside the terminal. */
  readonly channels: readonly ChannelAnswer[];
}

export const noAnswers: Answers = { mail: [], calendars: [], services: [], channels: [] };

/** A secret, and where it lies already. */
export interface GivenSecret {
  readonly value: string;
  /** Absolute path of the file that holds it, and goes on holding it. */
  readonly file?: string | undefined;
}

export interface ServerAnswer {
  readonly host: string;
  readonly port?: number | undefined;
  /** TLS from the start; else STARTTLS. */
  readonly secure: boolean;
}

export interface MailAnswer {
  readonly address?: string | undefined;
  readonly imap?:
    (ServerAnswer & { readonly user: string; readonly password: GivenSecret }) | undefined;
  /** Path of a Maildir, where there is no `imap`. */
  readonly maildir?: string | undefined;
}

export type CalendarAnswer =
  | {
      readonly kind: "caldav";
      readonly url: string;
      readonly user: string;
      readonly password: GivenSecret;
    }
  | { readonly kind: "ics"; readonly place: string }
  | { readonly kind: "google"; readonly clientId: string; readonly clientSecret: GivenSecret };

export interface ServiceAnswer {
  readonly kind: "http" | "tcp" | "tls";
  /** A web address, or host:port. */
  readonly address: string;
}

export type ChannelAnswer =
  | {
      readonly kind: "ntfy";
      readonly server: string;
      readonly topic: string;
      readonly token?: GivenSecret | undefined;
    }
  | {
      readonly kind: "email";
      readonly smtp: ServerAnswer & {
        readonly user?: string | undefined;
        readonly password?: GivenSecret | undefined;
      };
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: "slack"; readonly url: GivenSecret }
  | { readonly kind: "telegram"; readonly token: GivenSecret; readonly chatId: string }
  | { readonly kind: "webhook"; readonly url: string; readonly secret: GivenSecret };

export type ChannelKind = ChannelAnswer["kind"];
