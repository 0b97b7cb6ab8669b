import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ServerTime } from "./clock.ts";

/** The `Date` of every HTTP answer that this process gets while it listens: nobody is asked for it. */
export interface ServerTimes extends Disposable {
  readonly heard: readonly ServerTime[];
}

export function hearServerTimes(now: () => number = Date.now): ServerTimes {
  const heard: ServerTime[] = [];
  const hear = (host: string, header: (name: string) => string | undefined): void => {
    const saidAt = Date.parse(header("date") ?? "");
    // What comes out of a cache tells the time of another day.
    if (Number.isNaN(saidAt) || header("age") !== undefined) return;
    // A header has whole seconds, cut off.
    heard.push({ host, aheadMs: saidAt + 500 - now() });
  };
  const hearFetch = (message: unknown): void => {
    const { request, response } = message as FetchHeaders;
    hear(new URL(String(request.origin)).hostname, (name) => rawHeader(response.headers, name));
  };
  const hearClient = (message: unknown): void => {
    const { request, response } = message as ClientFinish;
    hear(request.host, (name) => {
      const value = response.headers[name];
      return typeof value === "string" ? value : undefined;
    });
  };
  subscribe("undici:request:headers", hearFetch);
  subscribe("http.client.response.finish", hearClient);
  return {
    heard,
    [Symbol.dispose]() {
      unsubscribe("undici:request:headers", hearFetch);
      unsubscribe("http.client.response.finish", hearClient);
    },
  };
}

interface FetchHeaders {
  readonly request: { readonly origin: string | URL };
  /** Name, value, name, value. */
  readonly response: { readonly headers: readonly (Buffer | string)[] };
}

interface ClientFinish {
  readonly request: { readonly host: string };
  readonly response: { readonly headers: Readonly<Record<string, unknown>> };
}

function rawHeader(headers: readonly (Buffer | string)[], name: string): string | undefined {
  const at = headers.findIndex(
    (part, index) => index % 2 === 0 && String(part).toLowerCase() === name,
  );
  return at < 0 ? undefined : String(headers[at + 1]);
}
