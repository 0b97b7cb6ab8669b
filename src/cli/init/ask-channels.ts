import type { ChannelAnswer, ChannelKind, MailAnswer } from "./answers.ts";
import { addressProblem, askSecret, askServer, needed } from "./ask-mail.ts";
import { newSigningKey, readTopic } from "./channel-parts.ts";
import { findMailServers } from "./mail-servers.ts";
import { settle, type Interview } from "./settle.ts";

/** Where to be told, beside the terminal that is always there. */
export async function askChannels(
  interview: Interview,
  mail: readonly MailAnswer[],
): Promise<ChannelAnswer[]> {
  const kinds = await interview.asker.chooseSeveral<ChannelKind>(
    "Where do you want to be told, beside this terminal? A test message goes there at once",
    {
      ntfy: ["ntfy", "a push to your phone, no account needed"],
      email: "E-mail",
      slack: "Slack",
      telegram: "Telegram",
      webhook: ["Webhook", "a signed request to an address of your own"],
    },
  );
  const channels: ChannelAnswer[] = [];
  for (const kind of kinds) {
    const answer = await settle<ChannelAnswer>(
      interview,
      (before) => ask[kind](interview, before, mail),
      (one) => ({ channels: [one] }),
    );
    if (answer) channels.push(answer);
  }
  return channels;
}

type Ask = (
  interview: Interview,
  before: ChannelAnswer | undefined,
  mail: readonly MailAnswer[],
) => Promise<ChannelAnswer>;

const ask: Readonly<Record<ChannelKind, Ask>> = {
  async ntfy({ asker }, before) {
    const same = before?.kind === "ntfy" ? before : undefined;
    const text = await asker.text({
      message: "The topic's address; whoever knows it reads along",
      initial: same && `${same.server}/${same.topic}`,
      example: "https://ntfy.sh/what-nobody-guesses",
      problem: (typed) =>
        readTopic(typed).topic === "" ? "Write it such as https://ntfy.sh/topic" : undefined,
    });
    const withToken = await asker.yes("Does it want a token?", "no");
    const token = withToken ? { value: await askSecret(asker, "The token") } : undefined;
    return { kind: "ntfy", ...readTopic(text), token };
  },

  async email({ asker, names }, before, mail) {
    const same = before?.kind === "email" ? before : undefined;
    const to = await asker.text({
      message: "To which address?",
      initial: same?.to ?? mail[0]?.address,
      example: "me@example.com",
      problem: addressProblem,
    });
    const from = await asker.text({
      message: "From which address?",
      initial: same?.from ?? mail[0]?.address ?? to,
      problem: addressProblem,
    });
    const servers = await findMailServers(from, names);
    const guess = servers.smtp ?? { host: `smtp.${from.split("@").at(-1)}`, secure: true };
    const server = await askServer(asker, "The SMTP server", same?.smtp ?? guess);
    const account = mail.find((each) => each.address === from)?.imap;
    if (account && (await asker.yes(`Log in there as in the mailbox of ${from}?`))) {
      return {
        kind: "email",
        smtp: { ...server, user: account.user, password: account.password },
        from,
        to,
      };
    }
    if (!(await asker.yes("Does it want a login?")))
      return { kind: "email", smtp: server, from, to };
    const user = await asker.text({
      message: "Your user name there",
      initial: same?.smtp.user ?? from,
      problem: needed,
    });
    const password = { value: await askSecret(asker, "Your password there") };
    return { kind: "email", smtp: { ...server, user, password }, from, to };
  },

  async slack({ asker }) {
    const url = { value: await askSecret(asker, "The address of an incoming webhook of Slack") };
    return { kind: "slack", url };
  },

  async telegram({ asker }, before) {
    const token = { value: await askSecret(asker, "The bot's token, which @BotFather gave") };
    const chatId = await asker.text({
      message: "The chat's id; write to the bot first, so that it may write to you",
      initial: before?.kind === "telegram" ? before.chatId : undefined,
      example: "123456789",
      problem: needed,
    });
    return { kind: "telegram", token, chatId };
  },

  async webhook({ asker }, before) {
    const same = before?.kind === "webhook" ? before : undefined;
    const url = await asker.text({
      message: "The address that is called",
      initial: same?.url,
      example: "https://example.com/hook",
      problem: needed,
    });
    if (!same) asker.say("The key of its signature is made now; you find it in .env.");
    return { kind: "webhook", url, secret: same?.secret ?? newSigningKey() };
  },
};
