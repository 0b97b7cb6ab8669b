import { z } from "zod";
import {
  jsonAnswer,
  startHttpReceiver,
  type Answer,
  type HttpReceiver,
  type ReceivedRequest,
} from "./http-receiver.ts";

/** Stands in for an ntfy server: refuses what the real one refuses, and what it would not understand. */
export interface NtfyServer extends HttpReceiver {
  /** What its subscribers see. */
  readonly shown: readonly NtfyMessage[];
}

export type NtfyMessage = z.output<typeof publication>;

export interface NtfyOptions {
  /** The `Authorization` that it asks for. */
  readonly authorization?: string;
  /** Since 2.16: a repeat takes the place of the message with the same sequence id. */
  readonly knowsSequences?: boolean;
  /** Seconds of its clock when a message comes. */
  readonly now?: () => number;
}

const bytes = (most: number) => (text: string) => Buffer.byteLength(text) <= most;

const publication = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  // At its limit a message becomes an attachment, which a server without a store refuses.
  message: z.string().min(1).refine(bytes(4_095), "attachments not allowed"),
  title: z.string().min(1).refine(bytes(200), "title too large").optional(),
  priority: z.int().min(1).max(5).optional(),
  tags: z.array(z.string().regex(/^[^,]+$/)).optional(),
  sequence_id: z
    .string()
    .regex(/^[-_A-Za-z0-9]{1,64}$/)
    .optional(),
  actions: z
    .array(
      z.strictObject({
        action: z.literal("view"),
        label: z.string().min(1),
        url: z.url({ protocol: /^https?$/ }),
        clear: z.boolean().optional(),
      }),
    )
    .max(3)
    .optional(),
});

const largestBody = 2 * 4_096;

export async function startNtfyServer(options: NtfyOptions = {}): Promise<NtfyServer> {
  const { authorization, knowsSequences = true, now = () => 0 } = options;
  const kept: (NtfyMessage & { time: number })[] = [];

  function publish({ body, headers }: ReceivedRequest): Answer {
    if (Buffer.byteLength(body) > largestBody) return refused(413, 41301, "JSON body too large");
    if (headers["content-length"] === undefined) return refused(400, 40000, "no length");
    const parsed = publication.safeParse(JSON.parse(body));
    if (!parsed.success) return refused(400, 40024, z.prettifyError(parsed.error));
    const message = { ...parsed.data, time: now() };
    const { sequence_id: id } = message;
    const earlier = knowsSequences ? kept.findIndex((other) => other.sequence_id === id) : -1;
    if (earlier >= 0) kept.splice(earlier, 1);
    kept.push(message);
    return jsonAnswer(200, asKept(message));
  }

  function poll(path: string): Answer {
    const url = new URL(path, "http://ntfy");
    const since = url.searchParams.get("since") ?? "";
    if (url.searchParams.get("poll") !== "1" || !/^\d+$/.test(since)) {
      return refused(400, 40008, "invalid since parameter");
    }
    const topic = url.pathname.split("/")[1];
    const lines = kept
      .filter((message) => message.topic === topic && message.time >= Number(since))
      .map((message) => `${JSON.stringify(asKept(message))}\n`);
    return { status: 200, body: lines.join("") };
  }

  function asKept({ sequence_id, ...message }: NtfyMessage & { time: number }) {
    const known = knowsSequences ? { sequence_id } : {};
    return { id: "a1b2c3d4e5f6", event: "message", ...message, ...known };
  }

  const receiver = await startHttpReceiver((request) => {
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      return refused(403, 40301, `forbidden: ${request.headers.authorization ?? "no login"}`);
    }
    if (request.method === "POST" && request.path === "/") return publish(request);
    if (request.method === "GET" && /^\/[^/]+\/auth$/.test(request.path))
      return jsonAnswer(200, { success: true });
    if (request.method === "GET" && /^\/[^/]+\/json\?/.test(request.path))
      return poll(request.path);
    return refused(404, 40401, "page not found");
  });
  return Object.assign(receiver, { shown: kept });
}

const refused = (http: number, code: number, error: string): Answer =>
  jsonAnswer(http, { code, http, error });
