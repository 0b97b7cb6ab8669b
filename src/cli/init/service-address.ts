import type { ServiceAnswer } from "./answers.ts";

/**
 * What somebody means by the address of a service: a web address, `host:port`, `tls://host` for its
 * certificate, or a bare name, which is taken for a web page.
 */
export function readServiceAddress(text: string): ServiceAnswer {
  const words = text.trim();
  const [, scheme, rest = ""] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/i.exec(words) ?? [];
  switch (scheme?.toLowerCase()) {
    case "tls":
      return { kind: "tls", address: withPort(rest.replace(/\/$/, ""), 443) };
    case "tcp":
      return { kind: "tcp", address: rest.replace(/\/$/, "") };
    case undefined:
      if (hasPort.test(words)) return { kind: "tcp", address: words };
      return { kind: "http", address: `https://${words}` };
    default:
      return { kind: "http", address: words };
  }
}

const hasPort = /^(?:\[[^\]]*\]|[^\s:[\]/]+):\d+$/;

const withPort = (host: string, port: number): string =>
  hasPort.test(host) ? host : `${host}:${port}`;
