import { lookup as systemLookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { domainToASCII } from "node:url";

/**
 * Finds the addresses of hosts to connect to. The system's own lookup has room for two at a time: two
 * names whose servers hang would keep all others waiting, and they would be blamed for it. So name
 * servers are asked directly, and the system only for what they do not know.
 */

export interface HostFinder {
  /** @throws an error with a code, as the system's lookup does; the signal's reason */
  find(host: string, signal: AbortSignal): Promise<LookupAddress[]>;
  /** For `connect` and `request`; what is open when `signal` is aborted is given up. */
  lookup(signal: AbortSignal): LookupFunction;
}

export interface HostFinderOptions {
  /** Addresses of name servers; default: the system's. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
}

const hostsCountMs = 5_000;
/** Where one kind of address is found and the other is not answered, it is not waited for. */
const secondFamilyMs = 500;
/** The name servers have answered, and others may know the name all the same. */
const unknownToServers = new Set<unknown>(["ENOTFOUND", "ENODATA", "ECONNREFUSED"]);

export function createHostFinder({
  servers,
  hostsFile = "/etc/hosts",
}: HostFinderOptions = {}): HostFinder {
  let hosts: { readonly at: number; readonly names: Promise<Hosts> } | undefined;

  function knownHosts(): Promise<Hosts> {
    const at = performance.now();
    if (!hosts || at - hosts.at > hostsCountMs) hosts = { at, names: readHosts(hostsFile) };
    return hosts.names;
  }

  async function find(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
    signal.throwIfAborted();
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family }];
    const name = domainToASCII(host).toLowerCase().replace(/\.$/, "");
    const known = (await knownHosts()).get(name);
    if (known) return known;
    return (await askServers(name, servers, signal)) ?? (await askSystem(host));
  }

  return {
    find,
    lookup: (signal) => (host, options, callback) => {
      const wanted = familyOf(options.family);
      find(host, signal).then(
        (found) => {
          const fitting = found.filter(({ family }) => wanted === 0 || family === wanted);
          const [first] = fitting;
          if (!first) callback(notFound(host), "");
          else if (options.all) callback(null, fitting);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, ""),
      );
    },
  };
}

/** @returns undefined when they know no such name, or cannot be asked: others may know it */
async function askServers(
  name: string,
  servers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<LookupAddress[] | undefined> {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  if (servers) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const found: LookupAddress[] = [];
  const problems: unknown[] = [];
  const ask = async (asked: Promise<string[]>, family: number): Promise<void> => {
    try {
      found.push(...(await asked).map((address) => ({ address, family })));
    } catch (error) {
      problems.push(codeOf(error));
    }
  };
  try {
    const both = [ask(resolver.resolve4(name), 4), ask(resolver.resolve6(name), 6)];
    await Promise.race(both);
    await Promise.race([
      Promise.all(both),
      ...(found.length > 0 ? [pause(secondFamilyMs, undefined, { ref: false })] : []),
    ]);
    signal.throwIfAborted();
    if (found.length > 0) return [...found];
    if (problems.every((code) => unknownToServers.has(code))) return undefined;
    // The system would ask the same servers, and wait for longer.
    throw Object.assign(new Error("no name server can say"), { code: "EAI_AGAIN" });
  } finally {
    signal.removeEventListener("abort", cancel);
    resolver.cancel();
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined;

async function askSystem(host: string): Promise<LookupAddress[]> {
  const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>();
  systemLookup(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  return promise;
}

type Hosts = ReadonlyMap<string, LookupAddress[]>;

async function readHosts(file: string): Promise<Hosts> {
  const names = new Map<string, LookupAddress[]>();
  const text = await readFile(file, "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [address = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), { address, family }]);
    }
  }
  return names;
}

const familyOf = (family: number | string | undefined): number =>
  family === "IPv4" ? 4 : family === "IPv6" ? 6 : Number(family ?? 0);

const notFound = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
