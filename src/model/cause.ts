import type { ModelFailureKind } from "./port.ts";

/** Why a model gave no reply, in our own words: nothing that a server said stands in them. */
export const causeInWords: Readonly<Record<ModelFailureKind, string>> = {
  auth: "the key was refused",
  "rate-limited": "the provider asks for a pause",
  overloaded: "the provider is overloaded or failing",
  "spend-limit": "the account has reached its spend limit",
  "too-long": "the conversation is too long",
  refusal: "the model declined",
  cut: "answers break off",
  "bad-reply": "what comes back is not a valid reply",
  unreachable: "the provider cannot be reached",
  timeout: "no answer comes in time",
  aborted: "the call was called off",
  rejected: "the provider rejects the request",
  "over-budget": "the budget has no room for the call",
};

/** Whether a failure says that the model cannot be used, and not only that this call came to nothing. */
export function isOutage(kind: ModelFailureKind): boolean {
  return !notOutages.has(kind);
}

const notOutages: ReadonlySet<ModelFailureKind> = new Set([
  "too-long",
  "refusal",
  "aborted",
  "over-budget",
]);
