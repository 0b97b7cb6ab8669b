import { strictHeaders, valuesOf } from "./message-headers.ts";
import type { Message } from "./message.ts";
import { provenSender } from "./proven-sender.ts";

/**
 * By which address a message's sender may be a VIP.
 *
 * Where the receiving server's authentication results are at hand, only a sender whom they prove:
 * with `authservId` set always, without it when the message has such a header at all. Whoever forges
 * a VIP's address gains nothing by a header of their own that they would not gain by leaving it out.
 * Where there are none, the From line is taken at its word.
 */
export function vipSender(
  source: Uint8Array,
  message: Message,
  authservId: string | undefined,
): string | undefined {
  if (authservId !== undefined) return provenSender(source, authservId);
  const results = valuesOf(strictHeaders(source) ?? [], "authentication-results");
  const hasResults = message.headers.some(([name]) => name === "authentication-results");
  if (!hasResults && results.length === 0) return message.from?.address.toLowerCase() || undefined;
  return provenSender(source, /^[^\s;]+/.exec(results[0] ?? "")?.[0]);
}
