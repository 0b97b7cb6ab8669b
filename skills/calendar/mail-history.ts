import { z } from "watchkeeper";
import { plainLine } from "./plain-text.ts";

/** The last mail with somebody, asked of the inbox skill, when there is one. */
export type CallTool = (name: string, input: unknown) => Promise<unknown>;

const answer = z.object({
  messages: z.array(
    z.object({
      subject: z.string().default(""),
      date: z.string().default(""),
      from: z.string().default(""),
    }),
  ),
});

const longestWaitMs = 5_000;
const mostMessages = 2;

/**
 * @returns a line for each of the last mails from an address; none when the inbox cannot be asked.
 * What comes back is as untrusted as the mail itself.
 */
export async function lastMailWith(
  address: string,
  callTool: CallTool | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (!callTool) return [];
  const patience = AbortSignal.any([signal, AbortSignal.timeout(longestWaitMs)]);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  patience.addEventListener("abort", () => resolve(undefined), { once: true });
  const asked = callTool("inbox_search", { from: address, limit: mostMessages }).catch(
    () => undefined,
  );
  const found = answer.safeParse(await Promise.race([asked, promise])).data;
  signal.throwIfAborted();
  return (found?.messages ?? []).slice(0, mostMessages).map(({ subject, date }) => {
    const day = /^\d{4}-\d\d-\d\d/.exec(date)?.[0];
    return `${day ? `${day}: ` : ""}${plainLine(subject, 120) || "(no subject)"}`;
  });
}
