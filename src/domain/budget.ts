/**
 * Whether a model call may be made under the owner's caps. Before each call its worst case is held
 * against what is left; a reply that would not fit is allowed fewer tokens, or the call is refused.
 */

/** The check under whose name the owner is told of caps, limits and bills. */
export const budgetCheck = "watchkeeper/budget";

/** US dollars per million tokens. */
export interface CallRates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWriteHour: number;
}

export interface CallPrice extends CallRates {
  /** Where prompts above a size cost more, that size and what then holds for the whole call. */
  readonly longPrompt?: { readonly aboveTokens: number; readonly rates: CallRates };
}

/** The owner's caps; money in US dollars. */
export interface Caps {
  readonly perRunUsd: number;
  readonly dailyUsd: number;
  readonly monthlyUsd: number;
  readonly perRunTokens: number;
  readonly dailyTokens: number;
}

export type CapName = keyof Caps;

/** What was used and what is reserved, together. */
export interface Used {
  readonly costUsd: number;
  readonly tokens: number;
}

/** Each covers what counts against its caps: this run, this day, this month. */
export interface UsedSoFar {
  readonly run: Used;
  readonly day: Used;
  readonly month: Used;
}

export interface Call {
  /** Of the whole request; no more tokens than bytes can be billed for it. */
  readonly requestBytes: number;
  /** The most tokens that the reply may have. */
  readonly maxTokens: number;
}

/** The most that a call can come to. */
export interface Worst {
  /** Null when the price of the model is not known. */
  readonly usd: number | null;
  readonly tokens: number;
}

export type BudgetDecision =
  | { readonly fits: true; readonly maxTokens: number; readonly worst: Worst }
  | { readonly fits: false; readonly cap: CapName; readonly reason: string };

/** A reply with fewer tokens is cut before it says anything; a call for it is money for nothing. */
export const leastReplyTokens = 500;

/** Sums of fractions are never exact: so much of a cap is left alone. */
const grainUsd = 1e-9;

/**
 * The most that a call can cost: every byte of the request a token at the dearest rate for reading
 * it, and a reply as long as it may be.
 */
export function worstCase({ requestBytes, maxTokens }: Call, price: CallPrice | undefined): Worst {
  const tokens = requestBytes + maxTokens;
  if (!price) return { usd: null, tokens };
  const usd = Math.max(
    ...ratesFor(requestBytes, price).map(
      (rates) => (requestBytes * dearestReading(rates) + maxTokens * rates.output) / 1_000_000,
    ),
  );
  return { usd, tokens };
}

/**
 * Holds a call against the caps. With an unknown price only the caps on tokens can hold.
 * @returns how many tokens the reply may have, or the cap that leaves no room for a useful one
 */
export function decideCall(
  call: Call,
  price: CallPrice | undefined,
  caps: Caps,
  used: UsedSoFar,
): BudgetDecision {
  const most = Math.floor(call.maxTokens);
  const least = Math.min(leastReplyTokens, most);
  const scopes = [
    { cap: "perRunUsd", limit: caps.perRunUsd, used: used.run.costUsd },
    { cap: "dailyUsd", limit: caps.dailyUsd, used: used.day.costUsd },
    { cap: "monthlyUsd", limit: caps.monthlyUsd, used: used.month.costUsd },
    { cap: "perRunTokens", limit: caps.perRunTokens, used: used.run.tokens },
    { cap: "dailyTokens", limit: caps.dailyTokens, used: used.day.tokens },
  ] as const;
  let maxTokens = most;
  // The cap with the longest period first: its word is the one that will hold for longest.
  for (const scope of scopes.toSorted((a, b) => patience[b.cap] - patience[a.cap])) {
    const left = scope.limit - scope.used;
    const room = isMoney(scope.cap)
      ? replyThatFits(call.requestBytes, left - grainUsd, price)
      : Math.floor(left - call.requestBytes);
    if (room < least) {
      const smallest = worstCase({ ...call, maxTokens: least }, price);
      return { fits: false, cap: scope.cap, reason: refusal(scope, smallest) };
    }
    maxTokens = Math.min(maxTokens, room);
  }
  return { fits: true, maxTokens, worst: worstCase({ ...call, maxTokens }, price) };
}

/**
 * Whether a call was billed for more than its worst case, which only a provider that is wrong, or a
 * wrong price, can bring about.
 * @returns what was billed against what could be, in words, or null
 */
export function overrunOf(billed: Used, worst: Worst): string | null {
  const isDearer = worst.usd !== null && billed.costUsd > worst.usd + grainUsd;
  if (!isDearer && billed.tokens <= worst.tokens) return null;
  const cost = billed.costUsd > 0 ? ` (${dollars(billed.costUsd)})` : "";
  const most = worst.usd === null ? "" : ` (${dollars(worst.usd)})`;
  return `billed ${tokens(billed.tokens)}${cost} for a call of at most ${tokens(worst.tokens)}${most}`;
}

/** The longest reply whose worst case stays within the money that is left; negative for none. */
function replyThatFits(
  requestBytes: number,
  leftUsd: number,
  price: CallPrice | undefined,
): number {
  if (!price) return Infinity;
  return Math.min(
    ...ratesFor(requestBytes, price).map((rates) => {
      const left = leftUsd * 1_000_000 - requestBytes * dearestReading(rates);
      if (left < 0) return -1;
      return rates.output > 0 ? Math.floor(left / rates.output) : Infinity;
    }),
  );
}

/** Which rates may come to hold: bytes are more than tokens, so a long prompt may prove a short one. */
const ratesFor = (requestBytes: number, price: CallPrice): CallRates[] =>
  price.longPrompt && requestBytes > price.longPrompt.aboveTokens
    ? [price, price.longPrompt.rates]
    : [price];

const dearestReading = ({ input, cacheRead, cacheWrite, cacheWriteHour }: CallRates): number =>
  Math.max(input, cacheRead, cacheWrite, cacheWriteHour);

const isMoney = (cap: CapName): boolean => cap.endsWith("Usd");

/** In what order the caps are named when several are reached. */
const patience: Record<CapName, number> = {
  monthlyUsd: 4,
  dailyUsd: 3,
  dailyTokens: 2,
  perRunUsd: 1,
  perRunTokens: 0,
};

function refusal(
  { cap, limit, used }: { cap: CapName; limit: number; used: number },
  smallest: Worst,
): string {
  const could = isMoney(cap) ? dollars(smallest.usd ?? 0) : tokens(smallest.tokens);
  const budget = budgetWords(cap, limit);
  const alone = isMoney(cap) ? (smallest.usd ?? 0) : smallest.tokens;
  return alone > limit
    ? `${budget} is too small: this call could cost up to ${could}`
    : `${budget} is spent: ${isMoney(cap) ? dollars(used) : tokens(used)} used, this call could cost up to ${could}`;
}

/** `the daily budget of $5.00`. */
export function budgetWords(cap: CapName, limit: number): string {
  const amount = isMoney(cap) ? dollars(limit) : tokens(limit);
  switch (cap) {
    case "perRunUsd":
    case "perRunTokens":
      return `the budget of ${amount} for one run`;
    case "dailyUsd":
    case "dailyTokens":
      return `the daily budget of ${amount}`;
    case "monthlyUsd":
      return `the monthly budget of ${amount}`;
  }
}

const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
const tokens = (count: number): string => `${Math.round(count).toLocaleString("en")} tokens`;
