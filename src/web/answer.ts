import type { ServerResponse } from "node:http";

/** What a route answers, and the headers that go with everything that leaves. */

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that is refused: thrown anywhere on its way, answered as what it says. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8" },
  body: `${JSON.stringify(value, null, 2)}\n`,
});

export const text = (line: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: `${line}\n`,
});

export const htmlPage = (body: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body,
});

/** After a change, the browser looks at the page again. */
export const seeOther = (path: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 303,
  headers: { location: path, ...headers },
  body: "",
});

const always: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // "no-referrer" would make browsers send "Origin: null" with our own forms.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

export function send(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body, "utf8");
  outgoing.writeHead(status, { ...always, ...headers, "content-length": bytes.length });
  outgoing.end(outgoing.req.method === "HEAD" ? undefined : bytes);
}
