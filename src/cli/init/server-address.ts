import type { ServerAnswer } from "./answers.ts";

/** Ports on which TLS begins with STARTTLS, or not at all. */
const laterTls = new Set([25, 143, 587, 1025, 1143, 2525]);

/**
 * Reads `host`, `host:port` or `[::1]:port`.
 * @param startTls undefined: as is usual on that port
 * @returns undefined when it is none of them
 */
export function readServer(text: string, startTls?: boolean): ServerAnswer | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/@]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return undefined;
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return { host, port, secure: startTls === undefined ? !laterTls.has(port ?? 0) : !startTls };
}

export const serverText = ({ host, port }: Pick<ServerAnswer, "host" | "port">): string => {
  const shown = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
};
