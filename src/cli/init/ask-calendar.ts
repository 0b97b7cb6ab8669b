import type { CalendarAnswer, MailAnswer } from "./answers.ts";
import { askSecret, needed } from "./ask-mail.ts";
import { providerOf } from "./mail-servers.ts";
import { settle, type Interview } from "./settle.ts";

/** Calendars, as many as there are. */
export async function askCalendars(
  interview: Interview,
  mail: readonly MailAnswer[],
): Promise<CalendarAnswer[]> {
  const { asker } = interview;
  const calendars: CalendarAnswer[] = [];
  do {
    const answer = await settle<CalendarAnswer>(
      interview,
      (before) => askCalendar(interview, mail[0]?.address, before),
      (one) => ({ calendars: [one] }),
    );
    if (answer) calendars.push(answer);
    if (answer?.kind === "google") asker.say("You log in at Google afterwards, in the browser.");
  } while (await asker.yes("Another calendar?", "no"));
  return calendars;
}

async function askCalendar(
  { asker }: Interview,
  address: string | undefined,
  before: CalendarAnswer | undefined,
): Promise<CalendarAnswer> {
  const kind = await asker.choose("Where is your calendar?", {
    caldav: ["On a CalDAV server", "Nextcloud, iCloud, Fastmail, Radicale, …"],
    ics: ["At an iCalendar address, or in a file", "it is only read"],
    google: ["At Google", "needs an OAuth client of your own: docs/configuration.md"],
  });
  switch (kind) {
    case "caldav": {
      const same = before?.kind === "caldav" ? before : undefined;
      const url = await asker.text({
        message: "The address of the server, or of the calendar",
        initial: same?.url ?? (address && providerOf(address)?.caldav),
        example: "https://dav.example.com/",
        problem: needed,
      });
      const user = await asker.text({
        message: "Your user name there",
        initial: same?.user ?? address,
        problem: needed,
      });
      return {
        kind,
        url,
        user,
        password: { value: await askSecret(asker, "Your password there") },
      };
    }
    case "ics": {
      const place = await asker.text({
        message: "Its address or file; whoever has a private address reads the calendar",
        initial: before?.kind === "ics" ? before.place : undefined,
        example: "https://example.com/mine.ics",
        problem: needed,
      });
      return { kind, place };
    }
    case "google": {
      const clientId = await asker.text({
        message: "The client's id",
        initial: before?.kind === "google" ? before.clientId : undefined,
        example: "….apps.googleusercontent.com",
        problem: needed,
      });
      const clientSecret = { value: await askSecret(asker, "The client's secret") };
      return { kind, clientId, clientSecret };
    }
  }
}
