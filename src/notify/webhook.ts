import { createHmac } from "node:crypto";
import { signingKey, type SettingsOf } from "../config/channels.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { deliveryId } from "./delivery-id.ts";
import { reachHost } from "./http-reach.ts";
import { httpPatienceMs, httpRequest } from "./http-request.ts";
import { messageData } from "./wording.ts";

/** Posts JSON to an address of the owner's, signed as Standard Webhooks has it. */
export function webhookChannel(
  { url, secret }: SettingsOf<"webhook">,
  { clock, origin }: ChannelDependencies,
): Channel {
  const key = signingKey(secret);
  return {
    name: "webhook",
    // The id is the same for every attempt: a receiver knows a repeat by it.
    repeatable: true,
    patienceMs: httpPatienceMs,
    async deliver(message, signal) {
      const { key: _key, at, ...data } = messageData(message);
      const body = JSON.stringify({ type: `notification.${message.kind}`, timestamp: at, data });
      const signed = {
        // In what is signed dots part it from the rest: it may have none itself.
        id: `${deliveryId(message)}-${origin}`.replaceAll(".", "-"),
        timestamp: Math.floor(clock.now() / 1_000),
      };
      const digest = createHmac("sha256", key)
        .update(`${signed.id}.${signed.timestamp}.${body}`)
        .digest("base64");
      await httpRequest(
        {
          channel: "webhook",
          url: new URL(url),
          headers: {
            "Content-Type": "application/json",
            "webhook-id": signed.id,
            "webhook-timestamp": `${signed.timestamp}`,
            "webhook-signature": `v1,${digest}`,
          },
          body,
          secrets: [secret],
        },
        { clock, signal },
      );
    },
    reach: async (signal) => await reachHost("webhook", url, { clock, signal }),
  };
}
