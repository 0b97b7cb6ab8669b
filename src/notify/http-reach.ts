import { httpExchange, type HttpCircumstances } from "./http-request.ts";

/**
 * Asks a server for the head of its first page. Where a delivery is the only thing that an address takes, that
 * it answers at all is as much as can be known without one.
 * @returns what shows that it is there
 * @throws DeliveryError when no answer comes
 */
export async function reachHost(
  channel: string,
  url: string,
  circumstances: HttpCircumstances,
): Promise<string> {
  const first = new URL("/", url);
  await httpExchange({ channel, method: "HEAD", url: first, secrets: [] }, circumstances);
  return `${first.host} answers`;
}
