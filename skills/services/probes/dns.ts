import { Resolver } from "node:dns/promises";
import type { MxRecord, SrvRecord } from "node:dns";
import type { DnsTarget } from "../target.ts";
import { elapsedMs } from "./probe.ts";
import type { Probe } from "./probe.ts";

/** Asks a name server, not the system's files and caches. */
export const probeDns: Probe<DnsTarget> = async (target, { signal }) => {
  signal.throwIfAborted();
  const started = performance.now();
  const down = (reason: string) =>
    ({ ok: false, ms: elapsedMs(started), fault: "down", reason }) as const;
  const { domain, type, records, server } = target;
  const resolver = new Resolver({ timeout: target.timeoutMs, tries: 1 });
  if (server !== undefined) resolver.setServers([server]);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  let found: string[];
  try {
    found = [await resolver.resolve(domain, type)].flat().map(recordText);
  } catch (error) {
    signal.throwIfAborted();
    const reason = dnsReasons[(error as NodeJS.ErrnoException).code ?? ""];
    return down(reason === undefined ? "DNS query failed" : `${reason} (${type} of ${domain})`);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  const missing = records.find((record) => !found.includes(normal(record, type)));
  // What is there instead may be anybody's text.
  if (missing !== undefined) return down(`${type} of ${domain} has no record ${missing}`);
  const ms = elapsedMs(started);
  return {
    ok: true,
    ms,
    detail: `${found.length} ${type} ${found.length === 1 ? "record" : "records"}`,
  };

  function recordText(record: unknown): string {
    if (typeof record === "string") return normal(record, type);
    // A long text comes in pieces.
    if (Array.isArray(record)) return record.join("");
    if (type === "MX") {
      const { priority, exchange } = record as MxRecord;
      return normal(`${priority} ${exchange}`, type);
    }
    const { priority, weight, port, name } = record as SrvRecord;
    return normal(`${priority} ${weight} ${port} ${name}`, type);
  }
};

const dnsReasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "no such domain",
  ENODATA: "no such record",
  ESERVFAIL: "name server failed",
  EREFUSED: "name server refused",
  ETIMEOUT: "name server did not answer",
  ECONNREFUSED: "name server is not reachable",
  EBADRESP: "name server's answer is not readable",
  EFORMERR: "name server did not understand",
};

/** Names are the same in capitals and with a dot at the end, addresses in each spelling; texts are not. */
function normal(record: string, type: DnsTarget["type"]): string {
  if (type === "TXT") return record;
  const lower = record.trim().toLowerCase().replace(/\.$/, "").replace(/\s+/g, " ");
  // A URL knows the one spelling of an IPv6 address.
  return type === "AAAA" ? (URL.parse(`http://[${lower}]`)?.hostname.slice(1, -1) ?? lower) : lower;
}
