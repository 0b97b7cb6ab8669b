/** Whether the owner can answer by e-mail: only where somebody reads what comes to the sender's address. */

/** An address at which replies to the daemon's mail arrive, given by a skill that reads them. */
export interface ReplyAddress {
  readonly address: string;
  /** Why replies there do not count; one line with the mend. Left out when they do. */
  readonly problem?: string;
}

/**
 * @param from that the daemon's mail comes from; undefined when it sends none
 * @returns null when replies count
 */
export function whyNoReplies(
  from: string | undefined,
  addresses: readonly ReplyAddress[],
): string | null {
  if (from === undefined) return "there is no e-mail channel";
  const own = addresses.filter(({ address }) => address.toLowerCase() === from.toLowerCase());
  const [first] = own;
  if (first === undefined) {
    return `nobody reads what comes to ${from}; give an inbox account that address, and its authservId`;
  }
  return own.some(({ problem }) => problem === undefined) ? null : (first.problem ?? null);
}
