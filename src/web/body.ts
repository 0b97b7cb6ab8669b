import type { IncomingMessage } from "node:http";
import { Refusal } from "./answer.ts";

/** Bodies of requests, capped before anything looks into them. */

const largestBody = 64 * 1024;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** @throws Refusal when it is larger than 64 KB */
export async function readBody(incoming: IncomingMessage): Promise<string> {
  const tooLarge = () =>
    new Refusal(413, "the body is larger than 64 KB; send less", { connection: "close" });
  if (Number(incoming.headers["content-length"] ?? 0) > largestBody) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > largestBody) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws Refusal when it is not a form */
export async function readForm(incoming: IncomingMessage): Promise<URLSearchParams> {
  expectType(incoming, "application/x-www-form-urlencoded");
  return new URLSearchParams(await readBody(incoming));
}

/** No body at all is an empty object. @throws Refusal when it is not JSON */
export async function readJson(incoming: IncomingMessage): Promise<unknown> {
  if (!hasBody(incoming)) return {};
  // A page of another origin cannot send this type without asking first.
  expectType(incoming, "application/json");
  try {
    return JSON.parse(await readBody(incoming)) as unknown;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, "the body is not JSON");
  }
}

function expectType({ headers }: IncomingMessage, type: string): void {
  const given = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (given !== type) throw new Refusal(415, `the body must be of the type ${type}`);
}
