import { createHash } from "node:crypto";
import type { Message } from "./message.ts";

/**
 * Names a delivery for good. Its key alone does not: a watch that begins anew counts from 1 again, and
 * receivers would take what they are told for what they were told back then.
 */
export const deliveryId = ({ key, at }: Message): string => `${key}.${at.toString(36)}`;

/** The same in the form of 32 signs that are allowed everywhere, and told apart from those of other watches. */
export const deliveryHash = (message: Message, origin: string): string =>
  createHash("sha256")
    .update(`${origin} ${deliveryId(message)}`)
    .digest("hex")
    .slice(0, 32);

/** @returns what names a watch among all others, in the form of a domain */
export function watchOrigin(stateDir: string, hostname: string): string {
  const digest = createHash("sha256").update(stateDir).digest("hex").slice(0, 10);
  const host = hostname
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "")
    .replace(/\.{2,}/g, ".")
    .replace(/^[.-]+|[.-]+$/g, "");
  return `wk${digest}.${host || "localhost"}`;
}
