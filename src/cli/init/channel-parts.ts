import { randomBytes } from "node:crypto";
import type { GivenSecret } from "./answers.ts";

/** A key for the signature of a webhook. */
export const newSigningKey = (): GivenSecret => ({
  value: `whsec_${randomBytes(32).toString("base64")}`,
});

/** `https://ntfy.sh/topic`: what is not one goes on as it is, to be refused where it is known why. */
export function readTopic(text: string): { server: string; topic: string } {
  const url = URL.parse(text);
  if (url === null) return { server: text, topic: "" };
  return { server: url.origin, topic: url.pathname.slice(1) };
}
