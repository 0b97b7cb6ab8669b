import { findSecret } from "../../config/secret.ts";
import { noAnswers, type Answers, type GivenSecret } from "./answers.ts";
import { askCalendars } from "./ask-calendar.ts";
import { askChannels } from "./ask-channels.ts";
import { askMail, askSecret } from "./ask-mail.ts";
import { askServices } from "./ask-services.ts";
import { notFinished } from "./asker.ts";
import { settle, type Interview } from "./settle.ts";
import { keyName, type KnownEnvironment } from "./setup.ts";

/**
 * Asks what a person has, and tries each answer out at once.
 * @param files that will be written, as they are shown
 * @throws WatchkeeperError when they stop
 */
export async function askAll(
  interview: Interview,
  known: KnownEnvironment,
  files: readonly string[],
): Promise<Answers> {
  const { asker } = interview;
  asker.begin("Watchkeeper: what is there to watch? Ctrl-C stops, and leaves nothing behind");
  const wanted = await asker.chooseSeveral("What do you have? Space chooses, Enter goes on", {
    mail: ["Mail", "new messages, what waits for an answer"],
    calendar: ["Calendars", "what begins soon, what changes, invitations"],
    services: ["Services", "web pages, ports, certificates"],
  });
  const mail = wanted.includes("mail") ? await askMail(interview) : [];
  const calendars = wanted.includes("calendar") ? await askCalendars(interview, mail) : [];
  const services = wanted.includes("services") ? await askServices(interview) : [];
  const apiKey = await askKey(interview, known);
  const channels = await askChannels(interview, mail);
  if (!(await asker.yes(`Write ${files.join(" and ")}?`))) throw notFinished();
  return { ...noAnswers, mail, calendars, services, channels, apiKey };
}

async function askKey(
  interview: Interview,
  { dotEnv, environment }: KnownEnvironment,
): Promise<GivenSecret | undefined> {
  const { asker } = interview;
  if (findSecret(keyName, dotEnv)) {
    asker.say(`${keyName} stands in .env already.`);
    return undefined;
  }
  const value = findSecret(keyName, environment);
  if (value !== undefined) {
    const copy = await asker.yes(
      `${keyName} is in the environment; write it into .env too? A service does not see your shell's`,
    );
    return copy ? settle(interview, () => Promise.resolve({ value }), asKey) : undefined;
  }
  if (!(await asker.yes("Do you have an Anthropic API key? Without one plain rules decide"))) {
    return undefined;
  }
  return settle(interview, async () => ({ value: await askSecret(asker, "The key") }), asKey);
}

const asKey = (apiKey: GivenSecret): Pick<Answers, "apiKey"> => ({ apiKey });
